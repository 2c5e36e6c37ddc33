// Starts the page's module. A file of its own, because the page's content policy forbids scripts inside index.html.
import start from "./pkg/page.js";

start({ module_or_path: new URL("./pkg/page_bg.wasm", import.meta.url) }).catch((error) => {
  console.error(error);
  const bar = document.getElementById("crash");
  const text = document.getElementById("crash-text");
  if (text && text.textContent === "") text.textContent = String(error);
  if (bar) bar.hidden = false;
});

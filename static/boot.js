// Starts the page: its module is compiled once, for the page and for the worker that holds the lab's world, and the
// worker begins while the page is still being put up. A file of its own, because the page's content policy forbids
// scripts inside index.html.
import start, { page_start } from "./pkg/page.js";

// Names of data files by the names the page asks for. The build of a release puts them in.
const FILES = {};

// A page that an agent opened has a token, in its address or from earlier in this tab (`web/src/source/mod.rs` takes it).
function isForAgent() {
  if (/[#&]token=/.test(location.hash)) return true;
  try {
    return sessionStorage.getItem("netmodes.token") !== null;
  } catch {
    return false;
  }
}

// The words are asked for before the module that needs them is there, in the language it will choose
// (`web/src/app/root.rs`).
function preload() {
  let language = null;
  try {
    language = localStorage.getItem("netmodes.lang");
  } catch {
    // Forbidden: then the browser's own language is taken.
  }
  const name = `locales/${(language ?? navigator.language).startsWith("ru") ? "ru" : "en"}.json`;
  const link = document.createElement("link");
  Object.assign(link, { rel: "preload", as: "fetch", crossOrigin: "anonymous", href: `./${FILES[name] ?? name}` });
  document.head.append(link);
}

// A release on a static host is kept for times without a network, once the page is up. When there is a newer version the
// page is told; it says `netmodes-reload` when its reader wants it.
async function keep() {
  const workers = navigator.serviceWorker;
  const before = workers.controller;
  const registration = await workers.register("./sw.js");
  const ready = () => {
    document.documentElement.dataset.update = "ready";
    document.dispatchEvent(new Event("netmodes-update"));
  };
  if (registration.waiting && before) ready();
  registration.addEventListener("updatefound", () => {
    const next = registration.installing;
    next?.addEventListener("statechange", () => {
      if (next.state === "installed" && workers.controller) ready();
    });
  });
  document.addEventListener("netmodes-reload", () => {
    workers.addEventListener("controllerchange", () => location.reload(), { once: true });
    if (registration.waiting) registration.waiting.postMessage("take-over");
    else location.reload();
  });
}

async function begin() {
  preload();
  const compiled = WebAssembly.compileStreaming(fetch(new URL("./pkg/page_bg.wasm", import.meta.url)));
  let worker;
  let failed = false;
  if (!isForAgent()) {
    worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    worker.addEventListener("error", () => (failed = true), { once: true });
  }
  const module = await compiled;
  worker?.postMessage({ module });
  await start({ module_or_path: module });
  page_start(failed ? undefined : worker, JSON.stringify(FILES));
  // Only a release names files, and the agent's page needs no network to be kept for.
  if (worker && Object.keys(FILES).length > 0 && navigator.serviceWorker) {
    keep().catch((error) => console.info("not kept for offline use:", error));
  }
}

begin().catch((error) => {
  console.error(error);
  const bar = document.getElementById("crash");
  const text = document.getElementById("crash-text");
  if (text && text.textContent === "") text.textContent = String(error);
  if (bar) bar.hidden = false;
});

// The worker that holds the world. It owns the clock and carries messages: a text from the page is a message of the
// protocol and goes into the module as bytes; what the module has to say comes out as bytes and goes to the page as a
// text. No JavaScript object is kept inside the module, so a copy of its linear memory is a whole snapshot.
import start, {
  world_add_lab,
  world_advance,
  world_message,
  world_next_wakeup,
  world_poll,
  world_start,
} from "./pkg/world.js";

// Shortest pause between two looks at the clock: one frame of a 60 Hz screen. While lab time is paused there is no
// wake-up and no timer at all.
const TICK_MS = 16;
// Longest pause that setTimeout takes (it counts in 32 bits); a later wake-up is looked for again then.
const PAUSE_MS_MAX = 0x7fffffff;

const toBytes = new TextEncoder();
const toText = new TextDecoder();
let timer;
let running = false;
const waiting = [];

// Tell the page what the world has to say, then sleep until the world wants to be woken.
function settle() {
  for (;;) {
    const bytes = world_poll();
    if (bytes.length === 0) break;
    self.postMessage(toText.decode(bytes));
  }
  clearTimeout(timer);
  const at = world_next_wakeup();
  if (Number.isFinite(at)) {
    const pause = Math.min(PAUSE_MS_MAX, Math.max(TICK_MS, at - performance.now()));
    timer = setTimeout(tick, pause);
  }
}

function guarded(work) {
  try {
    work();
  } catch (error) {
    // A panic of the module: it cannot go on. The page says so and offers a reload.
    running = false;
    clearTimeout(timer);
    console.error(error);
    self.postMessage({ failed: String(error) });
  }
}

function tick() {
  guarded(() => {
    world_advance(performance.now());
    settle();
  });
}

function take(text) {
  guarded(() => {
    world_message(toBytes.encode(text), performance.now());
    settle();
  });
}

self.onmessage = (event) => {
  if (running) take(event.data);
  else waiting.push(event.data);
};

async function fetchOk(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response;
}

async function begin() {
  const [, index] = await Promise.all([
    start({ module_or_path: new URL("./pkg/world_bg.wasm", import.meta.url) }),
    fetchOk("./labs/index.json").then((answer) => answer.json()),
  ]);
  const labs = await Promise.all(
    index.map(async (entry) => {
      const name = typeof entry === "string" ? entry : entry.name;
      const answer = await fetchOk(`./labs/${encodeURIComponent(name)}.json`);
      return [name, new Uint8Array(await answer.arrayBuffer())];
    }),
  );
  for (const [name, bytes] of labs) {
    const problem = world_add_lab(name, bytes);
    if (problem !== "") console.error(`lab ${name}: ${problem}`);
  }
  world_start();
  running = true;
  self.postMessage({ ready: true });
  for (const text of waiting.splice(0)) take(text);
  settle();
}

begin().catch((error) => {
  console.error(error);
  self.postMessage({ failed: String(error) });
});

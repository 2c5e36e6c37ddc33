// The worker that holds the world. It owns the clock and carries messages: a text from the page is a message of the
// protocol and goes into the module as bytes; what the module has to say comes out as bytes and goes to the page as a
// text. No JavaScript object is kept inside this instance of the module, so a copy of its linear memory is a whole
// snapshot.
import start, {
  world_add_lab,
  world_advance,
  world_begin,
  world_message,
  world_next_wakeup,
  world_poll,
  world_start,
} from "./pkg/page.js";

// Shortest pause between two looks at the clock: one frame of a 60 Hz screen. While lab time is paused there is no
// wake-up and no timer at all.
const TICK_MS = 16;
// Longest pause that setTimeout takes (it counts in 32 bits); a later wake-up is looked for again then.
const PAUSE_MS_MAX = 0x7fffffff;

const toBytes = new TextEncoder();
const toText = new TextDecoder();
let timer;
// "starting", "running" or "failed"; the page asks, since it may begin to listen at any time.
let state = "starting";
let failure = "";
let asked = false;
const waiting = [];

function say() {
  if (!asked) return;
  if (state === "running") self.postMessage({ ready: true });
  if (state === "failed") self.postMessage({ failed: failure });
}

// A panic of the module, or a start that did not work: it cannot go on. The page says so and offers a reload.
function fail(error) {
  state = "failed";
  failure = String(error);
  clearTimeout(timer);
  console.error(error);
  say();
}

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
    fail(error);
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

// From the page: the compiled module first, `null` when it begins to listen, then texts.
self.onmessage = ({ data }) => {
  if (data?.module) {
    begin(data.module).catch(fail);
  } else if (data === null) {
    asked = true;
    say();
  } else if (state === "running") {
    take(data);
  } else {
    waiting.push(data);
  }
};

const labs = fetch(new URL("./labs/all.json", import.meta.url)).then((answer) => {
  if (!answer.ok) throw new Error(`${answer.url}: ${answer.status}`);
  return answer.json();
});
// Heard of in `begin`, at the latest.
labs.catch(() => {});

async function begin(module) {
  await start({ module_or_path: module });
  world_begin();
  for (const [name, lab] of Object.entries(await labs)) {
    const problem = world_add_lab(name, toBytes.encode(JSON.stringify(lab)));
    if (problem !== "") console.error(`lab ${name}: ${problem}`);
  }
  world_start();
  state = "running";
  say();
  for (const text of waiting.splice(0)) take(text);
  settle();
}

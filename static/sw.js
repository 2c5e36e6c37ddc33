// Keeps the page for times without a network. Only a release on a static host has it: `boot.js` asks for it there, and
// the agent does not hand it out. The build puts the version and the names of all files in; they carry a hash of their
// content, so a file in the cache is never stale.
const VERSION = "";
const FILES = [];

const PREFIX = "netmodes-";
const CACHE = PREFIX + VERSION;
// This version and the one before: a tab that was not loaded anew yet may still ask for a file of its own.
const VERSIONS_KEPT = 2;

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(CACHE);
      await cache.add(new Request("./", { cache: "reload" }));
      await cache.addAll(FILES);
    })(),
  );
});

// The page asks for it when its reader wants the new version.
self.addEventListener("message", (event) => {
  if (event.data === "take-over") self.skipWaiting();
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      const known = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
      await Promise.all(known.slice(0, Math.max(0, known.length + 1 - VERSIONS_KEPT)).map((name) => caches.delete(name)));
      await self.clients.claim();
    })(),
  );
});

async function answer(request) {
  const own = await caches.open(CACHE);
  if (request.mode === "navigate") {
    const page = await own.match("./");
    if (page) return page;
  }
  // Of this version first, then of the one before.
  const known = (await own.match(request)) ?? (await caches.match(request));
  return known ?? fetch(request);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  const scope = new URL(self.registration.scope);
  if (request.method !== "GET" || url.origin !== scope.origin || !url.pathname.startsWith(scope.pathname)) return;
  const inside = url.pathname.slice(scope.pathname.length);
  // Another page below the same folder is somebody else's.
  if (request.mode === "navigate" && inside !== "" && inside !== "index.html") return;
  event.respondWith(answer(request));
});

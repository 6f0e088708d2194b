// Keeps a member's page for when there is no network: at the till, below ground. What is pressed needs the network.
const KEPT = "member-1";
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
const page = (url) => `${url.origin}${url.pathname}`;
const isPage = (url) => /^\/m\/[^/]+\/$/.test(url.pathname);
const isPiece = (url) => url.pathname.startsWith("/static/fidelio/");
const fresh = async (request, name) => {
    const kept = await caches.open(KEPT);
    try {
        const answer = await fetch(request);
        if (answer.ok) {
            await kept.put(name, answer.clone());
        } else if (answer.status === 404 || answer.status === 410) {
            await kept.delete(name); // The link was ended: nothing of it stays on this telephone.
        }
        return answer;
    } catch (away) {
        const found = await kept.match(name);
        if (found) {
            return found;
        }
        throw away;
    }
};
self.addEventListener("fetch", (event) => {
    const url = new URL(event.request.url);
    if (event.request.method !== "GET" || url.origin !== self.location.origin) {
        return;
    }
    if (isPage(url)) {
        event.respondWith(fresh(event.request, page(url)));
    } else if (isPiece(url)) {
        event.respondWith(fresh(event.request, event.request.url));
    }
});

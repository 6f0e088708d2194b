// Shows the notifications that Fidelio sends. A shop serves a file of its own origin with the one line
// importScripts("https://<Fidelio>/push-worker.js").
self.addEventListener("push", (event) => {
    let told = {};
    try {
        told = event.data ? event.data.json() : {};
    } catch {
        told = {};
    }
    if (!told.title) {
        return;
    }
    event.waitUntil(
        self.registration.showNotification(told.title, { body: told.body || "", tag: told.tag, data: { url: told.url } }),
    );
});

self.addEventListener("notificationclick", (event) => {
    event.notification.close();
    const url = event.notification.data && event.notification.data.url;
    if (url && /^https?:\/\//.test(url)) {
        event.waitUntil(self.clients.openWindow(url));
    }
});

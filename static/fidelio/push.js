// Lets this browser be notified. An element with data-push-key (our public key), data-push-worker and data-push-url
// tells where; its buttons have data-push="on" and data-push="off". Used by our own page, and by shops.
(() => {
    const box = document.querySelector("[data-push-key]");
    if (!box) {
        return;
    }
    const said = box.querySelector("[data-push-said]");
    const show = (state) => {
        box.dataset.pushState = state;
        if (said) {
            said.textContent = box.dataset[`say${state[0].toUpperCase()}${state.slice(1)}`] || "";
        }
        box.querySelectorAll("[data-push]").forEach((button) => {
            button.hidden = !((state === "off" && button.dataset.push === "on") || (state === "on" && button.dataset.push === "off"));
        });
    };
    const bytes = (text) => {
        const padded = text.replace(/-/g, "+").replace(/_/g, "/").padEnd(Math.ceil(text.length / 4) * 4, "=");
        return Uint8Array.from(atob(padded), (letter) => letter.charCodeAt(0));
    };
    const tell = (subscription, over) =>
        fetch(box.dataset.pushUrl, {
            method: "POST",
            headers: { "Content-Type": "application/json", "X-CSRFToken": box.dataset.pushCsrf || "" },
            body: JSON.stringify({ subscription, over }),
        }).then((answer) => {
            if (!answer.ok) {
                throw new Error(String(answer.status));
            }
        });
    if (!("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) {
        show("unable");
        return;
    }
    const ready = navigator.serviceWorker.register(box.dataset.pushWorker).then(() => navigator.serviceWorker.ready);
    const refresh = () =>
        ready
            .then((worker) => worker.pushManager.getSubscription())
            .then((found) => show(Notification.permission === "denied" ? "denied" : found ? "on" : "off"))
            .catch(() => show("unable"));
    box.addEventListener("click", (event) => {
        const wish = event.target.closest("[data-push]");
        if (!wish) {
            return;
        }
        ready
            .then(async (worker) => {
                if (wish.dataset.push === "on") {
                    const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(box.dataset.pushKey) });
                    await tell(made.toJSON(), false);
                } else {
                    const found = await worker.pushManager.getSubscription();
                    if (found) {
                        await tell(found.toJSON(), true);
                        await found.unsubscribe();
                    }
                }
            })
            .then(refresh)
            .catch(() => (Notification.permission === "denied" ? show("denied") : show("failed")));
    });
    refresh();
})();

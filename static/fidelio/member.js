// What a member's page can do better with a script; it works without.
(() => {
    const root = document.documentElement;
    if ("serviceWorker" in navigator && root.dataset.worker) {
        navigator.serviceWorker.register(root.dataset.worker, { scope: "/m/" }).catch(() => {});
    }
    const away = document.querySelector("[data-away]");
    const look = () => {
        if (away) {
            away.hidden = navigator.onLine;
        }
    };
    window.addEventListener("online", look);
    window.addEventListener("offline", look);
    look();
    // A press that takes a while is not pressed twice; the form's key would make it one anyway.
    document.addEventListener("submit", (event) => {
        const button = event.submitter;
        if (button) {
            setTimeout(() => {
                button.disabled = true;
            });
        }
    });
    window.addEventListener("pageshow", () => document.querySelectorAll("form button:disabled").forEach((one) => {
        one.disabled = false;
    }));
})();

/* Works a prize draw out again in the browser of who wants to know: seed, list, winners. */
(() => {
    const button = document.getElementById("verify");
    if (!button) return;
    const verdict = document.getElementById("verdict");
    const RANGE = 2n ** 256n;
    const bytes = hex => Uint8Array.from(hex.match(/../g), pair => parseInt(pair, 16));
    const hex = buffer => [...new Uint8Array(buffer)].map(byte => byte.toString(16).padStart(2, "0")).join("");
    const sha256 = async data => hex(await crypto.subtle.digest("SHA-256", data));

    const say = (holds, text) => {
        const line = document.createElement("li");
        line.className = holds ? "ok" : "no";
        line.textContent = `${holds ? "✓" : "✗"} ${text}`;
        verdict.append(line);
    };

    /* How many tickets lie before each line, as a tree of sums (Fenwick): long lists need not be counted anew. */
    const tickets = entries => {
        const sums = [0n, ...entries];
        let total = 0n;
        for (let place = 1; place < sums.length; place++) {
            total += entries[place - 1];
            const above = place + (place & -place);
            if (above < sums.length) sums[above] += sums[place];
        }
        return {
            total: () => total,
            strikeOut(ticket) {
                let place = 0;
                for (let step = 1 << 30; step; step >>= 1) {
                    if (place + step < sums.length && sums[place + step] <= ticket) ticket -= sums[place += step];
                }
                total -= entries[place];
                for (let above = place + 1; above < sums.length; above += above & -above) sums[above] -= entries[place];
                return place;
            },
        };
    };

    const draw = async (lines, facts) => {
        const key = await crypto.subtle.importKey("raw", bytes(facts.seed), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
        const told = facts.public_number ? facts.public_number.value : "";
        const left = tickets(lines.map(line => BigInt(line[1])));
        const drawn = [];
        let index = 0;
        while (drawn.length < lines.length && drawn.length < facts.winners.length) {
            const total = left.total();
            let number;
            do {
                const message = new TextEncoder().encode(`${facts.digest}\n${told}\n${index++}`);
                number = BigInt("0x" + hex(await crypto.subtle.sign("HMAC", key, message)));
            } while (number >= RANGE - RANGE % total);
            drawn.push(lines[left.strikeOut(number % total)][0]);
        }
        return drawn;
    };

    button.addEventListener("click", async () => {
        verdict.replaceChildren();
        button.disabled = true;
        try {
            const facts = await (await fetch(button.dataset.facts)).json();
            const list = new Uint8Array(await (await fetch(button.dataset.list)).arrayBuffer());
            say(await sha256(bytes(facts.seed)) === facts.commitment, button.dataset.seed);
            say(await sha256(list) === facts.digest, button.dataset.digest);
            const lines = new TextDecoder().decode(list).trim().split("\n").filter(Boolean).map(line => line.split(";"));
            const winners = [...facts.winners].sort((one, other) => one.rank - other.rank).map(winner => winner.receipt);
            const drawn = await draw(lines, facts);
            say(drawn.length === winners.length && drawn.every((receipt, place) => receipt === winners[place]), button.dataset.winners);
        } catch {
            say(false, button.dataset.failed);
        }
        button.disabled = false;
    });
})();

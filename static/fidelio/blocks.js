// The editor of mails made of blocks: an Alpine component over the JSON in a hidden field of the form.
// Its words are in the template; what it writes is checked by the server (campaigns/content/blocks.py).
document.addEventListener("alpine:init", () => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  let last = 0;

  const FRESH = {
    heading: () => ({ text: "", level: 2, align: "left" }),
    text: () => ({ text: "", align: "left" }),
    image: () => ({ src: "", alt: "", url: "", width: 100 }),
    button: () => ({ label: "", url: "", align: "center" }),
    coupon: () => ({ text: "", note: "", qr: true, qr_alt: "" }),
    products: () => ({ items: [{ sku: "", src: "", url: "" }], prices: true, button: "" }),
    divider: () => ({}),
    space: () => ({ height: 24 }),
    social: () => ({ items: [{ network: "instagram", url: "" }] }),
    columns: () => ({ columns: [[], []] }),
  };
  const numbered = (block) => {
    const copy = { ...JSON.parse(JSON.stringify(block)), id: ++last };
    if (copy.columns) copy.columns = copy.columns.map((column) => column.map(numbered));
    return copy;
  };
  const bare = ({ id, ...block }) =>
    block.columns ? { ...block, columns: block.columns.map((column) => column.map(bare)) } : block;
  const whole = (value) => (/^\d+$/.test(String(value)) ? Number(value) : value);

  window.Alpine.data("mailBlocks", () => ({
    mode: "code",
    accent: "", background: "", preheader: "",
    blocks: [],
    mistakes: {},
    chooser: { open: false, search: "", pictures: [], mistakes: [], target: null, busy: false, alternative: "" },
    focused: null,
    products: [],

    init() {
      this.mistakes = read("block-mistakes");
      this.mode = this.$root.dataset.mode;
      const given = read("mail-blocks");
      this.load(given.blocks ? given : read("fresh-blocks"));
      this.$watch("mode", () => this.write());
      this.$root.addEventListener("focusin", (event) => {
        if (event.target.matches("textarea, input[type=text]")) this.focused = event.target;
      });
      this.write(false);
    },
    load(given) {
      this.accent = given.accent || "#0b7a79";
      this.background = given.background || "#f3f4f6";
      this.preheader = given.preheader || "";
      this.blocks = (given.blocks || []).map(numbered);
    },
    write(show = true) {
      const json = {
        accent: this.accent, background: this.background, preheader: this.preheader,
        blocks: this.blocks.map(bare).map(this.typed, this),
      };
      this.$refs.json.value = this.mode === "blocks" ? JSON.stringify(json) : "";
      if (show) this.$dispatch("content-changed");
    },
    typed(block) {
      const copy = { ...block };
      for (const name of ["level", "width", "height"]) if (name in copy) copy[name] = whole(copy[name]);
      if (copy.columns) copy.columns = copy.columns.map((column) => column.map(this.typed, this));
      return copy;
    },

    add(list, kind) {
      const block = numbered({ kind, ...FRESH[kind]() });
      list.push(block);
      this.write();
      this.$nextTick(() => {
        const place = this.$root.querySelector(`[data-block="${block.id}"]`);
        place?.querySelector("textarea, input, select")?.focus();
        place?.scrollIntoView({ block: "nearest", behavior: "smooth" });
      });
    },
    move(list, index, by) {
      const to = index + by;
      if (to < 0 || to >= list.length) return;
      list.splice(to, 0, list.splice(index, 1)[0]);
      this.write();
    },
    copy(list, index) {
      list.splice(index + 1, 0, numbered(bare(list[index])));
      this.write();
    },
    drop(list, index) {
      list.splice(index, 1);
      this.write();
    },
    columnsOf(block, count) {
      while (block.columns.length < count) block.columns.push([]);
      while (block.columns.length > count) block.columns[block.columns.length - 2].push(...block.columns.pop());
      this.write();
    },
    mistake(pointer) {
      return this.mistakes[pointer] || "";
    },

    // Marks and variables go where the cursor was last.
    wrap(before, after, sample) {
      const field = this.focused;
      if (!field || !field.isConnected) return;
      const [start, end] = [field.selectionStart, field.selectionEnd];
      const chosen = field.value.slice(start, end) || sample;
      field.setRangeText(before + chosen + after, start, end, "select");
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.focus();
      this.write();
    },
    insert(variable) {
      if (!variable) return;
      if (!this.focused?.isConnected) this.focused = this.$root.querySelector("textarea:not([hidden])");
      const field = this.focused;
      if (!field) return;
      field.setRangeText(`{{ ${variable} }}`, field.selectionStart, field.selectionEnd, "end");
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.dispatchEvent(new Event("change", { bubbles: true }));
      field.focus();
      this.write();
    },

    async pick(target) {
      Object.assign(this.chooser, { open: true, target, mistakes: [], search: "" });
      await this.search();
      this.$refs.chooser.showModal();
    },
    async search() {
      const query = encodeURIComponent(this.chooser.search);
      const answer = await fetch(`${this.$root.dataset.pictures}?q=${query}`, { headers: { "X-Background": "1" } });
      this.chooser.pictures = answer.ok ? (await answer.json()).pictures : [];
    },
    choose(picture) {
      this.chooser.target.src = picture.url;
      if ("alt" in this.chooser.target && !this.chooser.target.alt) this.chooser.target.alt = picture.alternative;
      this.$refs.chooser.close();
      this.write();
    },
    async upload() {
      const file = this.$refs.file.files[0];
      if (!file || this.chooser.busy) return;
      const form = new FormData();
      form.append("file", file);
      form.append("alternative", this.chooser.alternative);
      form.append("csrfmiddlewaretoken", document.querySelector("#wizard [name=csrfmiddlewaretoken]").value);
      this.chooser.busy = true;
      const answer = await fetch(this.$root.dataset.pictures, { method: "POST", body: form });
      this.chooser.busy = false;
      const said = await answer.json().catch(() => ({}));
      if (answer.ok) {
        this.$refs.file.value = "";
        this.chooser.alternative = "";
        this.choose(said.picture);
      } else this.chooser.mistakes = said.mistakes || [this.$root.dataset.failed];
    },
    async suggest(text) {
      const address = `${this.$root.dataset.products}?q=${encodeURIComponent(text)}`;
      const answer = await fetch(address, { headers: { "X-Background": "1" } });
      this.products = answer.ok ? (await answer.json()).found : [];
    },
  }));
});

// The review desk: keys, marks on the player, and a suggestion to rest that stays in this tab.

const MANY = 6;
const KEYS = "unstrung-desk-keys";
const SEEN = "unstrung-desk-seen";

const seen = new Set(JSON.parse(sessionStorage.getItem(SEEN) ?? "[]"));
const media = document.querySelector("[data-harmful]");
media?.querySelector("[data-reveal]")?.addEventListener("click", () => {
  seen.add(media.dataset.harmful);
  sessionStorage.setItem(SEEN, JSON.stringify([...seen]));
  document.getElementById("player")?.focus();
});
const rest = document.getElementById("rest");
if (rest && seen.size >= MANY) {
  rest.hidden = false;
  sessionStorage.removeItem(SEEN);
}

const player = document.getElementById("player");
const marks = document.getElementById("marks");
if (player && marks) {
  marks.hidden = false;
  marks.addEventListener("click", (event) => {
    const mark = event.target.closest("[data-mark]")?.dataset.mark;
    if (mark) document.getElementById(mark).value = player.currentTime.toFixed(1);
  });
}

// Single keys can be turned off (WCAG 2.1.4), and never work while somebody types.
const use = document.getElementById("use-keys");
if (use) {
  use.checked = localStorage.getItem(KEYS) !== "off";
  use.addEventListener("change", () => localStorage.setItem(KEYS, use.checked ? "on" : "off"));
}
const step = (by) => {
  const rows = [...document.querySelectorAll("[data-row]")];
  const place = rows.indexOf(document.activeElement);
  rows[place < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, place + by))]?.focus();
};
const acts = {
  j: () => step(1),
  k: () => step(-1),
  r: () => document.getElementById("release")?.focus(),
  x: () => {
    const refuse = document.getElementById("refuse");
    if (!refuse) return;
    refuse.open = true;
    document.getElementById("f-category").focus();
  },
};
document.addEventListener("keydown", (event) => {
  if (!use?.checked || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input:not([type=checkbox]), textarea, select")) return;
  const act = acts[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
});

// The library beyond HTML: stars without reloading, and ticking all clips of a page with one key.

const announce = (text) => {
  document.getElementById("announcements").textContent = text;
};
const boxes = () => [...document.querySelectorAll("#clips input[type=checkbox]")];
const tell = () => {
  const link = document.querySelector("[data-choose-all]");
  if (!link) return;
  const all = boxes();
  const number = all.filter((box) => box.checked).length;
  const words = link.querySelector("span");
  link.dataset.all ??= words.textContent;
  words.textContent = number === all.length ? link.dataset.none : link.dataset.all;
  announce(`${link.dataset.said} ${number.toLocaleString(document.documentElement.lang)}`);
};
const chooseAll = () => {
  const all = boxes();
  const wanted = !all.every((box) => box.checked);
  for (const box of all) box.checked = wanted;
  tell();
};

let last = null;
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-choose-all]")) {
    event.preventDefault();
    chooseAll();
  } else if (event.target.matches("#clips input[type=checkbox]")) {
    // With the shift key, everything from the last one ticked to this one.
    const all = boxes();
    const [from, to] = [all.indexOf(last), all.indexOf(event.target)].sort((a, b) => a - b);
    if (event.shiftKey && from >= 0) {
      for (const box of all.slice(from, to + 1)) box.checked = event.target.checked;
    }
    last = event.target;
    tell();
  }
});
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "a" && event.target.matches("#clips input")) {
    event.preventDefault();
    chooseAll();
  }
});
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-star]");
  if (!form) return;
  event.preventDefault();
  const button = form.querySelector("button");
  const answer = await fetch(form.action, {
    method: "POST",
    body: new FormData(form, button),
    redirect: "manual",
  });
  if (answer.type !== "opaqueredirect") {
    form.submit();
    return;
  }
  const isStarred = button.value === "star";
  button.setAttribute("aria-pressed", String(isStarred));
  button.value = isStarred ? "unstar" : "star";
});
// How many clips a search found is said where a screen reader hears it.
document.addEventListener("htmx:afterSettle", () => {
  const count = document.querySelector("#results [data-count], #results h2");
  if (count) announce(count.textContent);
});

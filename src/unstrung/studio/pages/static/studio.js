// What pages do beyond HTML: everything here only adds to what works without it.

const announce = (text) => {
  document.getElementById("announcements").textContent = text;
};

// Menus close when something else is wanted.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

document.addEventListener("click", async (event) => {
  const target = event.target.closest("[data-passkey], [data-copy], [data-open-dialog], [data-reveal]");
  if (!target) return;
  if (target.dataset.passkey) {
    const { usePasskey } = await import("./passkeys.js");
    await usePasskey(target, announce);
  } else if (target.dataset.copy) {
    const source = document.getElementById(target.dataset.copy);
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    announce(target.dataset.said ?? "");
  } else if (target.dataset.openDialog) {
    document.getElementById(target.dataset.openDialog).showModal();
  } else if (target.dataset.reveal) {
    document.getElementById(target.dataset.reveal).classList.remove("blurred");
    target.hidden = true;
  }
});

// What htmx brings in: a refusal takes the focus, so that nobody has to look for it.
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.classList?.contains("problem-place") && event.target.firstElementChild) {
    event.target.setAttribute("tabindex", "-1");
    event.target.focus();
  }
});

// A page that is loaded again after its form was sent must not come back with what was sent (Firefox keeps it).
document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (event.detail.xhr.getResponseHeader("HX-Refresh")) event.detail.elt.reset?.();
});

// Files dropped on a drop zone go into its file input.
for (const zone of document.querySelectorAll("[data-drop]")) {
  const input = document.getElementById(zone.dataset.drop);
  const over = (isOver) => zone.classList.toggle("over", isOver);
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    over(true);
  });
  zone.addEventListener("dragleave", () => over(false));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    over(false);
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

// What was chosen, in the words of the page; they lie under the input, which takes clicks, drops and the focus.
for (const words of document.querySelectorAll(".file-words")) {
  const input = words.nextElementSibling;
  const name = words.querySelector("[data-none]");
  const show = () => {
    name.textContent = [...input.files].map((each) => each.name).join(", ") || name.dataset.none;
  };
  words.hidden = false;
  input.addEventListener("change", show);
  input.form?.addEventListener("reset", () => setTimeout(show));
  show();
}

// Clips in lists play while they are pointed at or focused, unless motion is not wanted.
if (!matchMedia("(prefers-reduced-motion: reduce)").matches) {
  const play = (event, plays) => {
    const video = event.target.closest?.(".clip")?.querySelector("video[data-hover]");
    if (!video) return;
    if (plays) video.play().catch(() => {});
    else if (!video.closest(".clip").matches(":hover, :focus-within")) video.pause();
  };
  for (const [on, off] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
    document.addEventListener(on, (event) => play(event, true));
    document.addEventListener(off, (event) => setTimeout(() => play(event, false)));
  }
}

// Where one is, among the ways that a narrow screen cannot show at once.
for (const way of document.querySelectorAll(".nav [aria-current], .side-nav [aria-current]")) {
  way.scrollIntoView({ inline: "center", block: "nearest" });
}

// Pages name the modules that they need, as in <div data-module="live">.
const loaded = new Set();
const load = () => {
  for (const element of document.querySelectorAll("[data-module]")) {
    const name = element.dataset.module;
    if (loaded.has(name)) continue;
    loaded.add(name);
    import(`./${name}.js`);
  }
};
load();
document.addEventListener("htmx:afterSettle", load);

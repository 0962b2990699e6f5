// The prompt bar: keys, styles, dice, a picture to begin from, and a draft that survives reloads.

const form = document.getElementById("composer");
const prompt = document.getElementById("prompt");
const KEY = "unstrung-draft";
const kept = form.querySelector("[data-keep]");
const fields = () => [...kept.querySelectorAll("input, select, textarea")].filter((each) => each.type !== "file" && each.name && each.name !== "reference_clip");
const told = () => prompt.dispatchEvent(new Event("understand"));

const save = () => {
  const draft = {};
  for (const each of fields()) {
    if (["checkbox", "radio"].includes(each.type)) {
      if (each.checked) (draft[each.name] ??= []).push(each.value);
    } else {
      draft[each.name] = [each.value];
    }
  }
  sessionStorage.setItem(KEY, JSON.stringify(draft));
};
const restore = () => {
  const draft = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  if (!draft) return;
  for (const each of fields()) {
    const values = draft[each.name];
    if (each.type === "checkbox") each.checked = Boolean(values?.includes(each.value));
    else if (each.type === "radio") each.checked = values ? values.includes(each.value) : each.checked;
    else if (values) each.value = values[0];
  }
};
if ("given" in kept.dataset) save();
else restore();
kept.addEventListener("input", save);
kept.addEventListener("change", (event) => {
  save();
  if (event.target.matches("#verbatim, .cast input")) told();
});
for (const signOut of document.querySelectorAll("form[action='/studio/sign-out']")) {
  signOut.addEventListener("submit", () => sessionStorage.removeItem(KEY));
}
const clear = form.querySelector("[data-clear]");
if (clear) {
  clear.hidden = false;
  clear.addEventListener("click", () => {
    sessionStorage.removeItem(KEY);
    location.assign("/studio/create");
  });
}

prompt.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit(form.querySelector("button.primary"));
  }
});

// Styles: a chip adds its words to the prompt, and takes them away again.
const styles = form.querySelector("[data-styles]");
styles.hidden = false;
const chips = [...styles.querySelectorAll("[data-words]")];
const without = (text, words) => text.replace(new RegExp(`[,،]?\\s*${words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`, "iu"), "").trim();
const mark = () => chips.forEach((chip) => chip.setAttribute("aria-pressed", String(prompt.value.toLowerCase().includes(chip.dataset.words.toLowerCase()))));
for (const chip of chips) {
  chip.addEventListener("click", () => {
    const isOn = chip.getAttribute("aria-pressed") === "true";
    for (const each of chips) prompt.value = without(prompt.value, each.dataset.words);
    if (!isOn) prompt.value = prompt.value ? `${prompt.value}${document.documentElement.lang === "ar" ? "،" : ","} ${chip.dataset.words}` : chip.dataset.words;
    prompt.dispatchEvent(new Event("input", { bubbles: true }));
  });
}
prompt.addEventListener("input", mark);
mark();

const dice = form.querySelector("[data-dice]");
dice.hidden = false;
dice.addEventListener("click", () => {
  document.getElementById("seed").value = crypto.getRandomValues(new Uint32Array(1))[0] >>> 1;
  save();
});

// At most two characters.
for (const each of form.querySelectorAll(".cast input")) {
  each.addEventListener("change", () => {
    const isFull = form.querySelectorAll(".cast input:checked").length >= 2;
    for (const other of form.querySelectorAll(".cast input:not(:checked)")) other.disabled = isFull;
  });
}

// A picture or clip to begin from.
const reference = document.getElementById("reference");
if (reference) {
  const chosen = form.querySelector("[data-chosen]");
  const place = chosen.querySelector("[data-picture]");
  const show = () => {
    const [file] = reference.files;
    chosen.hidden = !file;
    place.replaceChildren();
    if (!file) return;
    const address = URL.createObjectURL(file);
    const picture = document.createElement(file.type.startsWith("video/") ? "video" : "img");
    picture.src = address;
    if (picture.tagName === "IMG") picture.alt = "";
    else picture.muted = true;
    place.append(picture);
    chosen.querySelector("[data-name]").textContent = file.name;
    form.querySelector("[data-chosen-clip]")?.remove();
  };
  reference.addEventListener("change", show);
  chosen.querySelector("[data-remove]").addEventListener("click", () => {
    reference.value = "";
    show();
    reference.focus();
  });
  form.querySelector("[data-remove-clip]")?.addEventListener("click", (event) => {
    event.preventDefault();
    form.querySelector("[data-chosen-clip]").remove();
    reference.focus();
  });
  form.addEventListener("paste", (event) => {
    if (!event.clipboardData.files.length) return;
    event.preventDefault();
    reference.files = event.clipboardData.files;
    reference.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

// After a clip was asked for, an earlier refusal is over, and the list says what was added.
form.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt !== form || !event.detail.successful) return;
  form.querySelector(".problem-place").replaceChildren();
});
document.addEventListener("htmx:afterSettle", () => {
  const takes = document.getElementById("takes");
  if (!takes?.dataset.said) return;
  document.getElementById("announcements").textContent = takes.dataset.said;
  delete takes.dataset.said;
});

const choose = form.querySelector("[data-choose-model]");
if (choose) {
  choose.hidden = true;
  document.getElementById("model").addEventListener("change", (event) => {
    save();
    location.assign(`/studio/create?model=${encodeURIComponent(event.target.value)}`);
  });
}

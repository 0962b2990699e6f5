// Storyboard: cards that move, a time line of their lengths, and a draft that is kept in this browser.

const DRAFT = "unstrung-storyboard";
const LEAST = 3;
const root = document.getElementById("storyboard");
const list = root.querySelector("[data-cards]");
const said = root.dataset;
const text = document.getElementById("board-text");
const numbers = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
let textIsEdited = false;

const cards = () => [...list.querySelectorAll("[data-card]")];
const promptOf = (card) => card.querySelector("textarea");
const lengthOf = (card) => card.querySelector("input[type=number]");
const secondsOf = (card) => Math.max(0, Number(lengthOf(card).value) || 0);
const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const announce = (sentence) => (document.getElementById("announcements").textContent = sentence);

const asText = () => {
  let start = 0;
  const lines = [];
  for (const card of cards()) {
    const prompt = promptOf(card).value.trim().replace(/\s+/g, " ");
    if (!prompt) continue;
    lines.push(`${Number(start.toFixed(3))} ${prompt}`);
    start += secondsOf(card);
  }
  return lines.length ? [...lines, `${Number(start.toFixed(3))} end`].join("\n") : "";
};

const show = () => {
  const all = cards();
  const told = all.filter((card) => promptOf(card).value.trim());
  const bar = root.querySelector("[data-timeline]");
  bar.replaceChildren(
    ...all.map((card, index) => {
      card.querySelector("[data-place]").textContent = fill(said.sayPlace, { place: numbers.format(index + 1) });
      card.querySelector('[data-move="-1"]').disabled = index === 0;
      card.querySelector('[data-move="1"]').disabled = index === all.length - 1;
      const share = document.createElement("span");
      share.textContent = numbers.format(index + 1);
      share.style.flexGrow = String(Math.max(0.2, secondsOf(card)));
      share.classList.toggle("empty-shot", !promptOf(card).value.trim());
      return share;
    }),
  );
  const total = told.reduce((sum, card) => sum + secondsOf(card), 0);
  const isLong = total > Number(said.longest);
  const line = root.querySelector("[data-total]");
  line.textContent = total ? fill(isLong ? said.sayLong : said.sayTotal, { seconds: numbers.format(total) }) : said.sayEmpty;
  line.classList.toggle("too-long", isLong);
  root.querySelector("[data-add]").disabled = all.length >= Number(said.most);
  if (!textIsEdited) text.value = asText();
};

const save = () => {
  const kept = cards().map((card) => [promptOf(card).value, lengthOf(card).value]);
  const settings = { size: document.getElementById("size").value, seed: document.getElementById("seed").value };
  try {
    localStorage.setItem(DRAFT, JSON.stringify({ cards: kept, ...settings }));
  } catch {
    // A browser that keeps nothing loses nothing that it was asked to keep.
  }
};
const change = () => {
  show();
  save();
};

const addCard = (prompt = "", seconds = "2") => {
  const card = document.getElementById("new-card").content.firstElementChild.cloneNode(true);
  promptOf(card).value = prompt;
  lengthOf(card).value = seconds;
  list.append(card);
  equip(card);
  return card;
};

const moveTo = (card, place) => {
  const others = cards().filter((each) => each !== card);
  const target = Math.min(Math.max(0, place), others.length);
  list.insertBefore(card, others[target] ?? null);
  change();
  announce(fill(said.sayMoved, { place: numbers.format(target + 1), total: numbers.format(others.length + 1) }));
};

const remove = (card) => {
  const place = cards().indexOf(card);
  card.remove();
  if (!cards().length) addCard();
  change();
  announce(fill(said.sayRemoved, { total: numbers.format(cards().length) }));
  promptOf(cards()[Math.min(place, cards().length - 1)]).focus();
};

function equip(card) {
  for (const each of card.querySelectorAll("[data-scripted], [data-grip]")) each.hidden = false;
  const grip = card.querySelector("[data-grip]");
  grip.draggable = true;
  grip.addEventListener("dragstart", (event) => {
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
    event.dataTransfer.setDragImage(card, 20, 20);
    card.classList.add("dragged");
  });
  grip.addEventListener("dragend", () => {
    for (const each of cards()) each.classList.remove("dragged", "over");
  });
  card.addEventListener("dragover", (event) => {
    if (!list.querySelector(".dragged")) return;
    event.preventDefault();
    card.classList.add("over");
  });
  card.addEventListener("dragleave", () => card.classList.remove("over"));
  card.addEventListener("drop", (event) => {
    const dragged = list.querySelector(".dragged");
    if (!dragged) return;
    event.preventDefault();
    if (dragged !== card) moveTo(dragged, cards().indexOf(card));
  });
}

list.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  const card = event.target.closest("[data-card]");
  if (!button || !card) return;
  if ("remove" in button.dataset) return remove(card);
  moveTo(card, cards().indexOf(card) + Number(button.dataset.move));
  // A button that moved its card to an end is of no more use; its neighbour is.
  (button.disabled ? card.querySelector("[data-move]:not([disabled])") ?? promptOf(card) : button).focus();
});
list.addEventListener("keydown", (event) => {
  const isBack = document.documentElement.dir === "rtl" ? "ArrowRight" : "ArrowLeft";
  const isOn = document.documentElement.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
  const by = { ArrowUp: -1, ArrowDown: 1, [isBack]: -1, [isOn]: 1 }[event.key];
  if (!event.altKey || !by) return;
  event.preventDefault();
  const card = event.target.closest("[data-card]");
  const focused = document.activeElement;
  moveTo(card, cards().indexOf(card) + by);
  focused.focus();
});
root.querySelector("[data-add]").addEventListener("click", () => {
  const card = addCard();
  change();
  announce(said.sayAdded);
  promptOf(card).focus();
});
document.getElementById("board").addEventListener("input", change);
text.addEventListener("input", () => (textIsEdited = text.value.trim() !== ""));
root.querySelector("[data-download]").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([`${text.value}\n`], { type: "text/plain" }));
  link.download = "storyboard.txt";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
});
root.querySelector("[data-afresh]").addEventListener("click", () => {
  localStorage.removeItem(DRAFT);
  list.replaceChildren();
  for (let index = 0; index < LEAST; index += 1) addCard();
  document.getElementById("seed").value = "";
  document.getElementById("restored").hidden = true;
  textIsEdited = false;
  show();
  promptOf(cards()[0]).focus();
});

const draftOf = () => {
  try {
    const kept = JSON.parse(localStorage.getItem(DRAFT));
    return Array.isArray(kept?.cards) && kept.cards.some(([prompt]) => prompt.trim()) ? kept : null;
  } catch {
    return null;
  }
};
const begin = () => {
  for (const each of root.querySelectorAll("[data-scripted]")) each.hidden = false;
  const kept = said.fromText ? null : draftOf();
  if (kept) {
    list.replaceChildren();
    for (const [prompt, seconds] of kept.cards) addCard(prompt, seconds);
    if (kept.size) document.getElementById("size").value = kept.size;
    document.getElementById("seed").value = kept.seed ?? "";
    document.getElementById("restored").hidden = false;
  } else {
    for (const card of cards().slice(LEAST)) if (!promptOf(card).value) card.remove();
    cards().forEach(equip);
  }
  show();
  if (said.fromText) {
    // From here on the draft is what counts: a reload must not bring the text back over it.
    save();
    history.replaceState(null, "", location.pathname);
  }
};
begin();

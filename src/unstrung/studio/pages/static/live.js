// Clips that are being made: place, progress and previews as they happen, then the finished clip in their place.
// Browsers keep few connections to a server open, so two clips are followed at a time and the others are asked for.

const FOLLOWED = 2;
const ASK_MS = 4000;
const sources = new Map();
const open = () => [...document.querySelectorAll("[data-video]")];

const spoken = (seconds) => {
  const [value, unit] = seconds < 90 ? [Math.max(1, seconds), "second"] : seconds < 5400 ? [seconds / 60, "minute"] : [seconds / 3600, "hour"];
  return new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 0 }).format(Math.round(value));
};

const show = (card, told) => {
  if (told.status === "completed" || told.status === "failed") {
    stop(told.id);
    replace(card, told.id);
    return;
  }
  const bar = card.querySelector("progress");
  if (bar) bar.value = told.progress;
  const words = card.dataset.words ? JSON.parse(card.dataset.words) : null;
  const line = card.querySelector("[data-status]");
  if (words && line) {
    const parts = [words[told.status === "queued" && told.phase !== "paused" ? "queued" : told.phase] ?? words.loading];
    if (told.queue_position === 0) parts.push(words.next);
    else if (told.queue_position !== null) parts.push(words.before.replace("{place}", new Intl.NumberFormat(document.documentElement.lang).format(told.queue_position)));
    if (told.eta_seconds !== null) parts.push(words.about.replace("{time}", spoken(told.eta_seconds)));
    line.textContent = parts.join(" · ");
  }
  const picture = card.querySelector("[data-preview]");
  if (picture && told.preview_url && card.dataset.step !== String(told.step)) {
    card.dataset.step = told.step;
    const address = new URL(told.preview_url);
    const fresh = new Image();
    // There is no preview before the first one was drawn.
    fresh.onload = () => { picture.src = fresh.src; picture.hidden = false; };
    fresh.src = `${address.pathname}${address.search}&step=${told.step}`;
  }
};

const stop = (id) => {
  sources.get(id)?.close();
  sources.delete(id);
};

const follow = (card) => {
  const id = card.dataset.video;
  const source = new EventSource(`/v1/videos/${id}/events`);
  sources.set(id, source);
  const hear = (event) => show(document.getElementById(`clip-${id}`) ?? card, JSON.parse(event.data));
  for (const name of ["video.progress", "video.completed", "video.failed"]) source.addEventListener(name, hear);
  source.addEventListener("video.deleted", () => {
    stop(id);
    document.getElementById(`clip-${id}`)?.remove();
  });
  // A lost line is made again by the browser; a refused one is given up, and the clip is asked for instead.
  source.onerror = () => { if (source.readyState === EventSource.CLOSED) stop(id); };
};

const replace = async (card, id) => {
  const answer = await fetch(`/studio/clips/${id}/card`, { headers: { "HX-Request": "true" } });
  if (!answer.ok || !card.isConnected) return;
  const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = parsed.querySelector("article");
  if (!fresh) return;
  const hadFocus = card.contains(document.activeElement);
  card.replaceWith(fresh);
  if (hadFocus) fresh.querySelector("a")?.focus();
  document.getElementById("announcements").textContent =
    fresh.querySelector(".prompt").textContent + ": " + (fresh.querySelector(".badge")?.textContent ?? "✓");
  fill();
};

const fill = () => {
  if (document.hidden) return;
  for (const id of sources.keys()) if (!document.querySelector(`[data-video="${id}"]`)) stop(id);
  for (const card of open()) {
    if (sources.size >= FOLLOWED) break;
    if (!sources.has(card.dataset.video)) follow(card);
  }
};

const ask = async () => {
  const left = open().filter((card) => !sources.has(card.dataset.video));
  if (document.hidden || !left.length) return;
  try {
    const answer = await fetch("/v1/videos?limit=100");
    if (!answer.ok) return;
    const told = new Map((await answer.json()).data.map((each) => [each.id, each]));
    for (const card of left) if (told.has(card.dataset.video)) show(card, told.get(card.dataset.video));
  } catch { /* the line is lost; asked again in a moment */ }
  fill();
};

fill();
setInterval(ask, ASK_MS);
document.addEventListener("htmx:afterSettle", fill);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) for (const id of [...sources.keys()]) stop(id);
  else { fill(); ask(); }
});
addEventListener("pagehide", () => { for (const id of [...sources.keys()]) stop(id); });

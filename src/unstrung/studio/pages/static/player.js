// Players: frame by frame, loop, speed, keys while one has the focus; several of one page can go in step.

const players = [];
const inStep = document.querySelector("[data-in-step]");
let leading = false;

const begin = (root) => {
  if (root.dataset.begun) return;
  root.dataset.begun = "yes";
  const video = root.querySelector("video");
  const fps = Number(root.dataset.fps);
  const clock = root.querySelector("[data-clock]");
  const find = (name) => root.querySelector(`[data-do="${name}"]`);
  root.querySelector("[data-tools]").hidden = false;
  const step = (frames) => {
    video.pause();
    const frame = Math.round(video.currentTime * fps - 0.25) + frames;
    // The middle of a frame, since its edges are rounded differently by browsers.
    video.currentTime = Math.min(Math.max(0, (frame + 0.25) / fps), Math.max(0, video.duration - 0.5 / fps));
  };
  const loop = (isOn) => {
    video.loop = isOn;
    find("loop").setAttribute("aria-pressed", String(isOn));
  };
  const play = () => (video.paused ? video.play().catch(() => {}) : video.pause());
  const show = () => {
    const number = new Intl.NumberFormat(document.documentElement.lang, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    const frame = new Intl.NumberFormat(document.documentElement.lang).format(Math.floor(video.currentTime * fps + 0.01) + 1);
    clock.textContent = clock.dataset.words.replace("{time}", number.format(video.currentTime)).replace("{frame}", frame);
  };
  for (const name of ["timeupdate", "seeked", "loadedmetadata"]) video.addEventListener(name, show);
  show();
  find("back").addEventListener("click", () => step(-1));
  find("on").addEventListener("click", () => step(1));
  find("loop").addEventListener("click", () => loop(!video.loop));
  find("speed").addEventListener("change", (event) => { video.playbackRate = Number(event.target.value); });
  const keys = { ",": () => step(-1), ".": () => step(1), l: () => loop(!video.loop), k: play, j: () => { video.currentTime -= 1; }, Home: () => { video.currentTime = 0; }, End: () => { video.currentTime = video.duration; } };
  (root.closest("[data-keys]") ?? root).addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select, input, textarea")) return;
    if (inStep && players[0].video !== video) return;
    const act = keys[event.key] ?? (event.key === " " && event.target === video ? play : null);
    if (!act) return;
    event.preventDefault();
    act();
  });
  players.push({ root, video });
};
document.querySelectorAll("[data-player]").forEach(begin);

// In step: whatever happens to one happens to the other.
if (inStep) {
  const sent = new Map();
  const others = (video) => players.filter((each) => each.video !== video);
  for (const { video } of players) {
    const lead = (act) => () => {
      if (leading || !inStep.checked) return;
      leading = true;
      for (const other of others(video)) act(other.video);
      setTimeout(() => { leading = false; });
    };
    video.addEventListener("play", lead((other) => { other.currentTime = video.currentTime; other.play().catch(() => {}); }));
    video.addEventListener("pause", lead((other) => { other.pause(); other.currentTime = video.currentTime; }));
    video.addEventListener("ratechange", lead((other) => { other.playbackRate = video.playbackRate; }));
    video.addEventListener("seeking", () => {
      // Whoever was sent somewhere hears of it late, and must not call back the one who has gone on since.
      if (!inStep.checked || Math.abs(video.currentTime - sent.get(video)) < 0.001) return;
      for (const other of others(video)) {
        if (Math.abs(other.video.currentTime - video.currentTime) <= 0.02) continue;
        other.video.currentTime = video.currentTime;
        sent.set(other.video, video.currentTime);
      }
    });
  }
}

// "From here" and "to here" read the player's time; "jump" goes to one.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-time-of], [data-jump]");
  if (!button || !players.length) return;
  const { video } = players[0];
  if (button.dataset.timeOf) {
    const field = document.getElementById(button.dataset.timeOf);
    field.value = video.currentTime.toFixed(2);
    field.dispatchEvent(new Event("change", { bubbles: true }));
  } else {
    video.currentTime = Number(button.dataset.jump);
    video.focus();
  }
});
for (const hidden of document.querySelectorAll("[data-with-player]")) hidden.hidden = false;

// A link to a question opens the dialog that asks it.
for (const link of document.querySelectorAll("a[data-dialog]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById(link.dataset.dialog).showModal();
  });
}

// Clips that are being made: progress and previews as they happen, and the finished clip in their place.

const follow = (card) => {
  if (card.dataset.followed) return;
  card.dataset.followed = "yes";
  const id = card.dataset.video;
  const source = new EventSource(`/v1/videos/${id}/events`);
  const show = (event) => {
    const told = JSON.parse(event.data);
    const bar = card.querySelector("progress");
    if (bar) bar.value = told.progress;
    const picture = card.querySelector("[data-preview]");
    if (picture && told.preview_url) {
      const address = new URL(told.preview_url);
      picture.src = `${address.pathname}${address.search}&step=${told.step}`;
      picture.hidden = false;
    }
    if (told.status === "completed" || told.status === "failed") {
      source.close();
      replace(card, id);
    }
  };
  source.onmessage = show;
  for (const name of ["video.queued", "video.in_progress", "video.completed", "video.failed", "video.deleted"]) {
    source.addEventListener(name, show);
  }
};

const replace = async (card, id) => {
  const answer = await fetch(`/studio/clips/${id}/card`, { headers: { "HX-Request": "true" } });
  if (!answer.ok) return;
  const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = parsed.querySelector("article");
  if (!fresh) return;
  card.replaceWith(fresh);
  document.getElementById("announcements").textContent =
    fresh.querySelector(".prompt").textContent + ": " + (fresh.querySelector(".badge")?.textContent ?? "✓");
};

const followAll = () => document.querySelectorAll("[data-video]").forEach(follow);
followAll();
document.addEventListener("htmx:afterSettle", followAll);

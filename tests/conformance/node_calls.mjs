// Every call of the closed Videos API by the official Node SDK, as its users write it.
// Run by test_sdks.py; prints one JSON object: for each call "ok", or what went wrong.
import http from "node:http";
import fs from "node:fs";
import path from "node:path";
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";

const folder = process.env.SDK_FOLDER;
const sdk = await import(pathToFileURL(path.join(folder, "node_modules/openai/index.mjs")).href);
const { VERSION } = await import(pathToFileURL(path.join(folder, "node_modules/openai/version.mjs")).href);
const OpenAI = sdk.default;
const { toFile } = sdk;
const baseURL = process.env.STUDIO_URL;
const apiKey = process.env.STUDIO_KEY;
const client = new OpenAI({ baseURL, apiKey });
const FOX = "a fox crosses a snowy field";
const clip = () => toFile(fs.readFileSync(process.env.STUDIO_CLIP), "a.mp4", { type: "video/mp4" });
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function finished(id) {
  for (;;) {
    const video = await client.videos.retrieve(id);
    if (video.status === "completed" || video.status === "failed") return video;
    await sleep(100);
  }
}

async function made(fields = {}) {
  const video = await finished((await client.videos.create({ prompt: FOX, ...fields })).id);
  assert.equal(video.status, "completed");
  return video;
}

const calls = {
  async create() {
    const video = await client.videos.create({ model: "sora-2", prompt: FOX, seconds: "8", size: "720x1280" });
    assert.equal(video.object, "video");
    assert.deepEqual([video.model, video.size, video.seconds], ["sora-2", "720x1280", "8"]);
  },
  async create_with_our_settings() {
    assert.equal((await made({ seed: 42 })).seed, 42);
  },
  async create_from_a_picture() {
    const png = Buffer.from(
      "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVQI12P4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC", "base64");
    await made({ input_reference: await toFile(png, "a.png", { type: "image/png" }) });
  },
  async list_all_pages() {
    const pager = new OpenAI({ baseURL, apiKey: process.env.PAGER_KEY });
    const ids = [];
    for await (const video of pager.videos.list({ limit: 100 })) ids.push(video.id);
    assert.equal(ids.length, 250);
    assert.equal(new Set(ids).size, 250);
  },
  async delete_a_video() {
    const video = await client.videos.create({ prompt: FOX });
    assert.equal((await client.videos.delete(video.id)).deleted, true);
    await assert.rejects(client.videos.retrieve(video.id), (error) => error.status === 404 && error.code === "video_not_found");
  },
  async download_content() {
    const video = await made();
    const mp4 = Buffer.from(await (await client.videos.downloadContent(video.id)).arrayBuffer());
    assert.equal(mp4.subarray(4, 8).toString(), "ftyp");
    for (const [variant, start] of [["thumbnail", "RIFF"], ["spritesheet", "\u00ff\u00d8"]]) {
      const file = Buffer.from(await (await client.videos.downloadContent(video.id, { variant })).arrayBuffer());
      assert.ok(file.toString("latin1").startsWith(start));
    }
  },
  async remix() {
    const video = await made();
    const again = await client.videos.remix(video.id, { prompt: "the same at night" });
    assert.equal(again.remixed_from_video_id, video.id);
  },
  async edit() {
    const video = await client.videos.edit({ prompt: "in the rain", video: await clip() });
    assert.equal((await finished(video.id)).status, "completed");
    const source = await made();
    const byId = await client.videos.edit({ prompt: "in the rain", video: { id: source.id } });
    assert.equal(byId.remixed_from_video_id, source.id);
  },
  async extend() {
    const source = await made();
    const video = await client.videos.extend({ prompt: "it goes on", seconds: "8", video: { id: source.id } });
    assert.equal(video.seconds, "8");
    const byFile = await client.videos.extend({ prompt: "it goes on", seconds: "4", video: await clip() });
    assert.equal((await finished(byFile.id)).status, "completed");
  },
  async characters() {
    const character = await client.videos.createCharacter({ name: "Mossy", video: await clip() });
    assert.equal((await client.videos.getCharacter(character.id)).name, "Mossy");
    const video = await client.videos.create({ prompt: FOX, characters: [{ id: character.id }] });
    assert.equal((await finished(video.id)).status, "completed");
  },
  async models() {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    for (const name of ["mini", "sora-2", "sora-2-pro"]) assert.ok(ids.includes(name));
  },
  async errors_are_the_sdks_own() {
    await assert.rejects(client.videos.create({ prompt: FOX, size: "huge" }),
      (error) => error instanceof OpenAI.BadRequestError && error.param === "size");
    await assert.rejects(new OpenAI({ baseURL, apiKey: "sk-x" }).videos.retrieve("video_0"),
      (error) => error instanceof OpenAI.AuthenticationError);
  },
  async a_retry_makes_no_second_video() {
    let broken = false;
    const shaky = new OpenAI({
      baseURL, apiKey,
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        if (init.method.toUpperCase() === "POST" && !broken) { broken = true; await response.text(); throw new Error("the line broke"); }
        return response;
      },
    });
    const prompt = `${FOX}, seen only once by Node ${VERSION}`;
    const video = await shaky.videos.create({ prompt });
    assert.ok(broken);
    const found = [];
    for await (const each of client.videos.list({ limit: 100 })) if (each.prompt === prompt) found.push(each.id);
    assert.deepEqual(found, [video.id]);
  },
  async webhooks() {
    const got = [];
    const server = http.createServer((request, response) => {
      const pieces = [];
      request.on("data", (piece) => pieces.push(piece));
      request.on("end", () => { got.push([Buffer.concat(pieces).toString(), request.headers]); response.end(); });
    });
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    const told = await (await fetch(`${baseURL}/webhook_endpoints`, {
      method: "POST",
      headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
      body: JSON.stringify({ name: "test", url: `http://127.0.0.1:${server.address().port}/`, event_types: ["video.completed"] }),
    })).json();
    const video = await made();
    const mine = () => got.filter(([body]) => body.includes(video.id));
    for (let tries = 0; !mine().length && tries < 400; tries++) await sleep(50);
    const listener = new OpenAI({ baseURL, apiKey, webhookSecret: told.signing_secret });
    const event = await listener.webhooks.unwrap(...mine()[0]);
    assert.deepEqual([event.type, event.data.id], ["video.completed", video.id]);
    await fetch(`${baseURL}/webhook_endpoints/${told.id}`, { method: "DELETE", headers: { authorization: `Bearer ${apiKey}` } });
    server.close();
    server.closeAllConnections();
  },
};

const results = {};
for (const [name, call] of Object.entries(calls)) {
  try { await call(); results[name] = "ok"; } catch (error) { results[name] = String(error.stack ?? error).slice(0, 1500); }
}
console.log(JSON.stringify({ version: VERSION, results }));
process.exit(0);

"""A program as people wrote it for sora-2. Nothing in it knows of Unstrung.

It runs again with another address and key in its environment:

    OPENAI_BASE_URL=http://127.0.0.1:8300/v1 OPENAI_API_KEY=ust_... python sora_program.py fox.mp4
"""

import sys
import time

from openai import OpenAI

client = OpenAI()
video = client.videos.create(
    model="sora-2",
    prompt="A red fox crosses a snowy field at dusk, wide shot, the camera pans left.",
    size="1280x720",
    seconds="4",
)
print(f"{video.id} is {video.status}")

while video.status in ("queued", "in_progress"):
    time.sleep(1)
    video = client.videos.retrieve(video.id)
    print(f"{video.status}: {video.progress} %")

if video.status == "failed":
    sys.exit(f"It failed: {video.error.message}")

content = client.videos.download_content(video.id, variant="video")
content.write_to_file(sys.argv[1] if len(sys.argv) > 1 else "video.mp4")
print("Saved.")

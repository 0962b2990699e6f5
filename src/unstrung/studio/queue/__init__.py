"""The queue: whose turn it is, how far a video is, and who may publish it."""

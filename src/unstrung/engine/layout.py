"""The layout of a clip: where the camera and every body stand in each latent frame, as plain numbers.

Renders know their layout, a planner draws one from a caption, and the denoiser paints into it: what is
where is settled before a pixel is made. Layouts as conditions after Li et al. 2023 (GLIGEN, 2301.07093);
planned from text, frame by frame, after Lian et al. 2023 (LLM-grounded Video Diffusion, 2309.17444).

A layout is an array (..., F, `LAYOUT_SIZE`). Its numbers, in this order:

- known: 1, or 0 for a frame whose layout is not given (then all others are 0);
- camera: x, y (world units) and zoom - 1;
- for each body the fields of `BODY`; `BODIES_PER_ACTOR` bodies of the first actor, then those of the second.

Lengths are in heights of the picture, from its middle, x to the right and y downwards.
"""

from typing import Final

NUM_ACTORS: Final = 2
BODIES_PER_ACTOR: Final = 3
NUM_BODIES: Final = NUM_ACTORS * BODIES_PER_ACTOR
CAMERA: Final = ("x", "y", "zoom")
# Middle and side of the square that the portrait fills, its turn (clockwise), 1 or -1 for plain or mirrored,
# and how far behind the actors' line it stands.
BODY: Final = ("present", "x", "y", "size", "cos", "sin", "mirror", "depth")
LAYOUT_SIZE: Final = 1 + len(CAMERA) + NUM_BODIES * len(BODY)

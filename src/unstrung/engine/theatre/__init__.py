"""The theatre: scripted scenes of openly licensed art, told in six languages and drawn on demand.

    script -> captions (words) and staging + scenery + sprites -> render (frames)

It knows no models: training and evaluation read from it, nothing here reads from them.
"""

"""Sharing: a clip is its owner's alone until the owner shares it, and then nobody is asked first."""

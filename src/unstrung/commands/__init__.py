"""One module for each command: parse, make a request, call the engine, print.

Heavy imports (torch, numpy, av) happen inside the functions that need them, so that help is instant.
"""

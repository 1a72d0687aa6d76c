"""Shapes of drawings: scales with ticks, curves, heat tables. Begin with `scales`."""

"""Lists of tasks, and the story of one. Begin with `story`."""

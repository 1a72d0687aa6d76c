"""The demo: a project in full swing. Begin with `city`."""

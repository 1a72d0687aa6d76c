"""The money page: bills, caps, calls, what more money buys. Begin with `bills`."""

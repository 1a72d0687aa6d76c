"""The pages of a batch and of its project: where it stands, how right it is, its rounds, replays. See `standing`."""

"""The commands of `greenlight`, one file a group; each is imported only when it is called."""

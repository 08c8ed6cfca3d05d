"""File operations of a version store, on disks and object stores."""

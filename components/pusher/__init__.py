"""The Pusher stage: a blessed model becomes the next version of the store, once."""

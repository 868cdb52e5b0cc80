"""An example company to look at, told to a running API like any client would. Its persons are invented, its places and Events are not."""

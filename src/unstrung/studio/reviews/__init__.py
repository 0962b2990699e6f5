"""Reviews of the few clips that wait before they are shared: a queue with a clock."""

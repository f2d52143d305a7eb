"""The local fact store: landing files, immutable segments, generations, and the questions asked of them."""

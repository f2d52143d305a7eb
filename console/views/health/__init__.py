"""How every model stands: signals, the rules that judge them, four layers, and the fleet made of them."""

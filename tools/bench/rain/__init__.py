"""How often a pass is read from a wet, bent or badly photographed code, beside an HCERT of the same content."""

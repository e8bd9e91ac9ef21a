"""What readers know of FHIR R4: elements and types, structs to decode them, and whose a resource is."""

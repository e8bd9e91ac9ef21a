"""Translation of parse trees to ELM.

Each module translates one chapter of the language, as a class that extends the one above it:

    core          TranslatorCore         typed nodes, resolution of operators, conversions
    targets       TargetTranslator       elements that a model maps to the data of another model
    names         NameTranslator         names and elements of values
    selectors     SelectorTranslator     literals, selectors, type specifiers
    functions     FunctionTranslator     calls of functions (parallel to selectors)
    operators     OperatorTranslator     operators
    timing        TimingTranslator       timing phrases, durations
    queries       QueryTranslator        queries
    retrieves     RetrieveTranslator     retrieves
    iteration     IterationTranslator    FHIRPath functions over elements (parallel to retrieves)
    fhirpath      FhirPathTranslator     other FHIRPath functions
    declarations  DeclarationTranslator  definitions before the statements
    library       LibraryTranslator      the whole library

A class may call a method that a class below it implements; it then declares the method and raises NotImplementedError.
`narrative` makes the annotations of definitions.
"""

/*
 * The grammar of Clinical Quality Language, written from the CQL 1.5.3 specification (the Author's Guide, the
 * Developer's Guide and the syntax appendix). It includes the FHIRPath 2.0 terms that CQL uses.
 *
 * It accepts the language of the specification, but its rules differ, so that one token of look-ahead is enough:
 *
 * - A query is a term followed by an alias and clauses (`queryTail`), and not an alternative to terms. Otherwise a
 *   parser would have to read all of `(…)` to tell it from `(…) A where …`, and then read it again. The translator
 *   checks which terms may be query sources, with a better message.
 * - An instance selector is a suffix of a type name, and a function call is a suffix of a name.
 * - The filter of a retrieve is one expression: `[Condition: code in "VS"]` is parsed as a membership test, and the
 *   translator splits it.
 * - Fixed phrases ('such that', 'or before') are one token, with any white space between the words, so that the
 *   single words remain usable as names.
 *
 * Operators have two levels: `expression` (logic, comparison, timing, sets) and `term` (selection, arithmetic). The
 * alternatives of each rule are in order of precedence, with the highest first.
 */
grammar Cql;

// ---------------------------------------------------------------------------------------------- library

library
    : libraryDefinition? definition* statement* EOF
    ;

/* Parsed separately: single expressions, and the parts of a library that has syntax errors. */
standaloneExpression
    : expression EOF
    ;

standaloneHeader
    : libraryDefinition EOF
    ;

standaloneDefinition
    : definition EOF
    ;

standaloneStatement
    : statement EOF
    ;

libraryDefinition
    : 'library' qualifiedIdentifier ('version' STRING)?
    ;

definition
    : 'using' qualifiedIdentifier ('version' STRING)? ('called' identifier)?                      # usingDefinition
    | 'include' qualifiedIdentifier ('version' STRING)? ('called' identifier)?                    # includeDefinition
    | accessModifier? 'codesystem' identifier ':' STRING ('version' STRING)?                      # codesystemDefinition
    | accessModifier? 'valueset' identifier ':' STRING ('version' STRING)? codesystems?           # valuesetDefinition
    | accessModifier? 'code' identifier ':' STRING 'from' qualifiedIdentifier displayClause?      # codeDefinition
    | accessModifier? 'concept' identifier ':' '{' qualifiedIdentifier (',' qualifiedIdentifier)* '}' displayClause?
                                                                                                  # conceptDefinition
    | accessModifier? 'parameter' identifier typeSpecifier? ('default' expression)?               # parameterDefinition
    ;

accessModifier
    : 'public'
    | 'private'
    ;

codesystems
    : 'codesystems' '{' qualifiedIdentifier (',' qualifiedIdentifier)* '}'
    ;

displayClause
    : 'display' STRING
    ;

statement
    : 'context' qualifiedIdentifier                                                               # contextDefinition
    | 'define' accessModifier? identifier ':' expression                                          # expressionDefinition
    | 'define' accessModifier? 'fluent'? 'function' functionName '(' (operandDefinition (',' operandDefinition)*)? ')'
        ('returns' typeSpecifier)? ':' ('external' | expression)                                  # functionDefinition
    ;

functionName
    : identifier
    | keywordIdentifier
    | keywordName
    ;

operandDefinition
    : referentialIdentifier typeSpecifier
    ;

// ---------------------------------------------------------------------------------------------- types

typeSpecifier
    : qualifiedIdentifier                                                                         # namedType
    | 'List' '<' typeSpecifier '>'                                                                # listType
    | 'Interval' '<' typeSpecifier '>'                                                            # intervalType
    | 'Tuple' '{' tupleElementDefinition (',' tupleElementDefinition)* '}'                        # tupleType
    | 'Choice' '<' typeSpecifier (',' typeSpecifier)* '>'                                         # choiceType
    ;

tupleElementDefinition
    : referentialIdentifier typeSpecifier
    ;

// ---------------------------------------------------------------------------------------------- queries


aliasedSource
    : term identifier
    ;

queryTail
    : identifier queryClauses
    ;

queryClauses
    : letClause? relationClause* whereClause? (aggregateClause | returnClause)? sortClause?
    ;

letClause
    : 'let' letItem (',' letItem)*
    ;

letItem
    : identifier ':' expression
    ;

relationClause
    : ('with' | 'without') aliasedSource SUCH_THAT expression
    ;

whereClause
    : 'where' expression
    ;

returnClause
    : 'return' ('all' | 'distinct')? expression
    ;

aggregateClause
    : 'aggregate' ('all' | 'distinct')? identifier ('starting' term)? ':' expression
    ;

sortClause
    : 'sort' (sortDirection | 'by' sortItem (',' sortItem)*)
    ;

sortItem
    : term sortDirection?
    ;

sortDirection
    : 'asc'
    | 'ascending'
    | 'desc'
    | 'descending'
    ;

// ---------------------------------------------------------------------------------------------- expressions

expression
    : 'from' aliasedSource (',' aliasedSource)* queryClauses                                      # multiSourceExpression
    | 'cast' term 'as' typeSpecifier                                                              # castExpression
    | ('duration' 'in')? pluralPrecision 'between' term 'and' term                                # durationBetweenExpression
    | 'difference' 'in' pluralPrecision 'between' term 'and' term                                 # differenceBetweenExpression
    | term queryTail?                                                                             # termExpression
    | expression 'is' 'not'? ('null' | 'true' | 'false')                                          # booleanTestExpression
    | expression ('is' | 'as') typeSpecifier                                                      # typeExpression
    | 'not' expression                                                                            # notExpression
    | 'exists' expression                                                                         # existsExpression
    | expression 'properly'? 'between' term 'and' term                                            # betweenExpression
    | expression ('<=' | '<' | '>' | '>=') expression                                             # inequalityExpression
    | expression timingPhrase expression                                                          # timingExpression
    | expression ('=' | '!=' | '~' | '!~') expression                                             # equalityExpression
    | expression ('in' | 'contains') precisionOf? expression                                      # membershipExpression
    | expression 'and' expression                                                                 # andExpression
    | expression ('or' | 'xor') expression                                                        # orExpression
    | expression 'implies' expression                                                             # impliesExpression
    | expression ('|' | 'union' | 'intersect' | 'except') expression                              # setExpression
    ;

term
    : referentialIdentifier ('(' arguments? ')')?                                                 # nameTerm
    | '[' (qualifiedIdentifier '->')? qualifiedIdentifier (':' expression)? ']'                   # retrieveTerm
    | 'null'                                                                                      # nullTerm
    | ('true' | 'false')                                                                          # booleanTerm
    | STRING                                                                                      # stringTerm
    | LONG                                                                                        # longTerm
    | quantity (':' quantity)?                                                                    # numberTerm
    | (DATE | DATETIME | TIME)                                                                    # temporalTerm
    | ('$this' | '$index' | '$total')                                                             # contextTerm
    | '%' (referentialIdentifier | STRING)                                                        # externalConstantTerm
    | 'Interval' ('[' | '(') expression ',' expression (']' | ')')                                # intervalTerm
    | ('List' ('<' typeSpecifier '>')?)? '{' (expression (',' expression)*)? '}'                  # listTerm
    | 'Tuple'? '{' (':' | element (',' element)*) '}'                                             # tupleTerm
    | 'Code' STRING 'from' qualifiedIdentifier displayClause?                                     # codeTerm
    | 'Concept' '{' codeLiteral (',' codeLiteral)* '}' displayClause?                             # conceptTerm
    | '(' expression ')'                                                                          # parenthesizedTerm
    | 'if' expression 'then' expression 'else' expression                                         # ifTerm
    | 'case' expression? caseItem+ 'else' expression 'end'                                        # caseTerm
    | 'convert' expression 'to' (pluralPrecision | precision | STRING | typeSpecifier)            # convertTerm
    | ('distinct' | 'flatten') expression                                                         # listOperatorTerm
    | ('expand' | 'collapse') expression ('per' (precision | expression))?                        # perTerm
    | ('minimum' | 'maximum') qualifiedIdentifier                                                 # extentTerm
    | term '.' anyName ('(' arguments? ')')?                                                      # memberTerm
    | term '[' expression ']'                                                                     # indexerTerm
    | term '{' (':' | element (',' element)*) '}'                                                 # instanceTerm
    | ('+' | '-') term                                                                            # polarityTerm
    | ('start' | 'end' | 'width' | 'successor' | 'predecessor') 'of' term                         # ofTerm
    | ('singleton' | 'point' | precision | 'date' | 'time' | 'timezone' | 'timezoneoffset') 'from' term
                                                                                                  # fromTerm
    | ('duration' | 'difference') 'in' pluralPrecision 'of' term                                  # precisionOfTerm
    | term '^' term                                                                               # powerTerm
    | term ('*' | '/' | 'div' | 'mod') term                                                       # multiplicationTerm
    | term ('+' | '-' | '&') term                                                                 # additionTerm
    ;

arguments
    : expression (',' expression)*
    ;

caseItem
    : 'when' expression 'then' expression
    ;

element
    : referentialIdentifier ':' expression
    ;

codeLiteral
    : 'Code' STRING 'from' qualifiedIdentifier displayClause?
    ;

quantity
    : NUMBER (precision | pluralPrecision | STRING)?
    ;

// ---------------------------------------------------------------------------------------------- timing phrases

timingPhrase
    : ('starts' | 'ends' | 'occurs')? 'same' precision? ('as' | OR_BEFORE | OR_AFTER) ('start' | 'end')?
                                                                                                  # concurrentPhrase
    | 'properly'? 'includes' precisionOf? ('start' | 'end')?                                      # includesPhrase
    | ('starts' | 'ends' | 'occurs')? 'properly'? ('during' | INCLUDED_IN) precisionOf?           # includedInPhrase
    | ('starts' | 'ends' | 'occurs')? quantityOffset? temporalRelation precisionOf? ('start' | 'end')?
                                                                                                  # beforeOrAfterPhrase
    | ('starts' | 'ends' | 'occurs')? 'properly'? 'within' quantity 'of' ('start' | 'end')?       # withinPhrase
    | ('meets' | 'overlaps') ('before' | 'after')? precisionOf?                                   # meetsOrOverlapsPhrase
    | ('starts' | 'ends') precisionOf?                                                            # startsOrEndsPhrase
    ;

quantityOffset
    : quantity (OR_MORE | OR_LESS)?
    | (LESS_THAN | MORE_THAN) quantity
    ;

temporalRelation
    : ON_OR? ('before' | 'after')
    | ('before' | 'after') OR_ON
    ;

precisionOf
    : precision 'of'
    ;

precision
    : 'year' | 'month' | 'week' | 'day' | 'hour' | 'minute' | 'second' | 'millisecond'
    ;

pluralPrecision
    : 'years' | 'months' | 'weeks' | 'days' | 'hours' | 'minutes' | 'seconds' | 'milliseconds'
    ;

// ---------------------------------------------------------------------------------------------- names

qualifiedIdentifier
    : referentialIdentifier ('.' anyName)*
    ;

identifier
    : IDENTIFIER
    | DELIMITED_IDENTIFIER
    | QUOTED_IDENTIFIER
    ;

referentialIdentifier
    : IDENTIFIER
    | DELIMITED_IDENTIFIER
    | QUOTED_IDENTIFIER
    | keywordIdentifier
    ;

anyName
    : IDENTIFIER
    | DELIMITED_IDENTIFIER
    | QUOTED_IDENTIFIER
    | keywordIdentifier
    | keywordName
    ;

/* Keywords that may also be names: none of them begins an operator that a name could follow. */
keywordIdentifier
    : 'Code' | 'Concept' | 'asc' | 'ascending' | 'called' | 'code' | 'codesystem' | 'codesystems' | 'concept' | 'context'
    | 'contains' | 'date' | 'day' | 'default' | 'desc' | 'descending' | 'difference' | 'display' | 'duration'
    | 'end' | 'ends' | 'external' | 'fluent' | 'hour' | 'include' | 'includes' | 'library' | 'meets'
    | 'millisecond' | 'minute' | 'month' | 'overlaps' | 'parameter' | 'point' | 'predecessor' | 'private'
    | 'public' | 'returns' | 'second' | 'singleton' | 'start' | 'starting' | 'starts' | 'successor' | 'time'
    | 'timezone' | 'timezoneoffset' | 'using' | 'valueset' | 'version' | 'week' | 'width' | 'year'
    ;

/* Keywords that may be names only after a dot, or as function names. */
keywordName
    : 'after' | 'aggregate' | 'all' | 'and' | 'as' | 'before' | 'between' | 'by' | 'case' | 'cast' | 'Choice'
    | 'collapse' | 'convert' | 'days' | 'define' | 'distinct' | 'div' | 'during' | 'else'
    | 'except' | 'exists' | 'expand' | 'false' | 'flatten' | 'from' | 'function' | 'hours' | 'if' | 'implies'
    | 'in' | 'intersect' | 'Interval' | 'is' | 'let' | 'List' | 'maximum' | 'milliseconds' | 'minimum'
    | 'minutes' | 'mod' | 'months' | 'not' | 'null' | 'occurs' | 'of' | 'or' | 'per' | 'properly' | 'return'
    | 'same' | 'seconds' | 'sort' | 'then' | 'to' | 'true' | 'Tuple' | 'union' | 'weeks' | 'when' | 'where'
    | 'with' | 'within' | 'without' | 'xor' | 'years'
    ;

// ---------------------------------------------------------------------------------------------- lexical rules

SUCH_THAT   : 'such' SPACE+ 'that' ;
OR_BEFORE   : 'or' SPACE+ 'before' ;
OR_AFTER    : 'or' SPACE+ 'after' ;
OR_MORE     : 'or' SPACE+ 'more' ;
OR_LESS     : 'or' SPACE+ 'less' ;
LESS_THAN   : 'less' SPACE+ 'than' ;
MORE_THAN   : 'more' SPACE+ 'than' ;
ON_OR       : 'on' SPACE+ 'or' ;
OR_ON       : 'or' SPACE+ 'on' ;
INCLUDED_IN : 'included' SPACE+ 'in' ;

DATETIME : '@' YEAR ('-' TWO ('-' TWO)?)? 'T' (CLOCK ('Z' | [+-] TWO ':' TWO)?)? ;
DATE     : '@' YEAR ('-' TWO ('-' TWO)?)? ;
TIME     : '@T' CLOCK ;
LONG     : DIGIT+ 'L' ;
NUMBER   : DIGIT+ ('.' DIGIT+)? ;

IDENTIFIER           : [A-Za-z_] [A-Za-z0-9_]* ;
DELIMITED_IDENTIFIER : '`' (ESCAPE | ~[`\\])* '`' ;
QUOTED_IDENTIFIER    : '"' (ESCAPE | ~["\\])* '"' ;
STRING               : '\'' (ESCAPE | ~['\\])* '\'' ;

WHITESPACE    : SPACE+ -> skip ;
BLOCK_COMMENT : '/*' .*? '*/' -> channel(HIDDEN) ;
LINE_COMMENT  : '//' ~[\r\n]* -> channel(HIDDEN) ;
UNEXPECTED    : . ;

fragment SPACE  : [ \t\r\n] ;
fragment ESCAPE : '\\' . ;
fragment DIGIT  : [0-9] ;
fragment TWO    : DIGIT DIGIT ;
fragment YEAR   : DIGIT DIGIT DIGIT DIGIT ;
fragment CLOCK  : TWO (':' TWO (':' TWO ('.' DIGIT+)?)?)? ;

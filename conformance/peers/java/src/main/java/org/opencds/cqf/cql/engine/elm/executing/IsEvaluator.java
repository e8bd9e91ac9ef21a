package org.opencds.cqf.cql.engine.elm.executing;

import ecqm.peers.Mends;
import org.hl7.elm.r1.Is;
import org.hl7.elm.r1.TypeSpecifier;
import org.opencds.cqf.cql.engine.execution.Environment;
import org.opencds.cqf.cql.engine.execution.State;

/** ELM Is, in place of the engine's (Mends). */
public final class IsEvaluator {
    private IsEvaluator() {}

    public static Object internalEvaluate(Is is, Object operand, State state) {
        Environment environment = state.getEnvironment();
        TypeSpecifier type = is.getIsTypeSpecifier();
        if (type == null) return environment.is(operand, environment.resolveType(is.getIsType()));
        if (Mends.hasOtherPoints(operand, type, state)) return false;
        return environment.is(operand, environment.resolveType(type));
    }
}

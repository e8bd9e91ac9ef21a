package org.opencds.cqf.cql.engine.elm.executing;

import ecqm.peers.Mends;
import org.hl7.elm.r1.As;
import org.hl7.elm.r1.TypeSpecifier;
import org.opencds.cqf.cql.engine.execution.Environment;
import org.opencds.cqf.cql.engine.execution.State;

/** ELM As, in place of the engine's (Mends). */
public final class AsEvaluator {
    private AsEvaluator() {}

    public static Object internalEvaluate(Object operand, As as, boolean isStrict, State state) {
        Environment environment = state.getEnvironment();
        TypeSpecifier type = as.getAsTypeSpecifier();
        if (type == null) return environment.as(operand, environment.resolveType(as.getAsType()), isStrict);
        if (!isStrict && Mends.hasOtherPoints(operand, type, state)) return null;
        return environment.as(operand, environment.resolveType(type), isStrict);
    }
}

package org.opencds.cqf.cql.engine.elm.executing;

import ecqm.peers.Mends;
import org.cqframework.cql.elm.visiting.ElmLibraryVisitor;
import org.hl7.elm.r1.Expression;
import org.opencds.cqf.cql.engine.exception.InvalidInterval;
import org.opencds.cqf.cql.engine.execution.State;
import org.opencds.cqf.cql.engine.runtime.DateTime;
import org.opencds.cqf.cql.engine.runtime.Interval;

/** ELM Interval, in place of the engine's (Mends). */
public final class IntervalEvaluator {
    private IntervalEvaluator() {}

    public static Object internalEvaluate(
            org.hl7.elm.r1.Interval elm, State state, ElmLibraryVisitor<Object, State> visitor) {
        Object low = value(elm.getLow(), state, visitor);
        Boolean lowClosed = (Boolean) value(elm.getLowClosedExpression(), state, visitor);
        Object high = value(elm.getHigh(), state, visitor);
        Boolean highClosed = (Boolean) value(elm.getHighClosedExpression(), state, visitor);
        boolean fromLow = lowClosed == null ? !Boolean.FALSE.equals(elm.isLowClosed()) : lowClosed;
        boolean toHigh = highClosed == null ? !Boolean.FALSE.equals(elm.isHighClosed()) : highClosed;
        if (low == null && high == null) {
            // An interval of another type that is null is converted part by part: even whether it is closed is null.
            boolean isConverted = elm.getLowClosedExpression() != null && lowClosed == null;
            if (!Mends.NULL_INTERVALS.isMended() || isConverted) return null;
            return Mends.interval(DateTime.class, null, fromLow, null, toHigh);
        }
        try {
            return new Interval(low, fromLow, high, toHigh);
        } catch (InvalidInterval refused) {
            boolean ordered = low != null && high != null && low.getClass() == high.getClass();
            if (!Mends.REVERSED_INTERVALS.isMended() || !ordered) throw refused;
            return Mends.interval(low.getClass(), low, fromLow, high, toHigh);
        }
    }

    private static Object value(Expression expression, State state, ElmLibraryVisitor<Object, State> visitor) {
        return expression == null ? null : visitor.visitExpression(expression, state);
    }
}

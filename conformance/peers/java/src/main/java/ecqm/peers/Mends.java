package ecqm.peers;

import java.lang.reflect.Field;
import java.util.EnumSet;
import java.util.Set;
import org.hl7.elm.r1.IntervalTypeSpecifier;
import org.hl7.elm.r1.TypeSpecifier;
import org.opencds.cqf.cql.engine.execution.State;
import org.opencds.cqf.cql.engine.runtime.Interval;
import sun.misc.Unsafe;

/**
 * Faults of the engine that can be mended, to see which differences come from them and what they hide. The evaluators of
 * the same names in org.opencds.cqf.cql.engine.elm.executing take the place of the engine's. Without mends, they do what
 * the engine does.
 */
public enum Mends {
    /** `is` and `as` test the point type of an interval. */
    POINT_TYPES,
    /** An interval that ends before it starts, or may do so, keeps its boundaries. */
    REVERSED_INTERVALS,
    /** A quantity is converted to the unit that it has, whether UCUM knows it or not. */
    SAME_UNITS;

    private static final Set<Mends> MENDED = EnumSet.noneOf(Mends.class);

    public boolean isMended() {
        return MENDED.contains(this);
    }

    static void choose(Set<Mends> chosen) {
        MENDED.clear();
        MENDED.addAll(chosen);
    }

    /** Whether an interval has no point of the type's point type, although it is an interval. */
    public static boolean hasOtherPoints(Object value, TypeSpecifier type, State state) {
        if (!POINT_TYPES.isMended() || !(value instanceof Interval interval)) return false;
        if (!(type instanceof IntervalTypeSpecifier intervals)) return false;
        Object point = interval.getLow() == null ? interval.getHigh() : interval.getLow();
        var environment = state.getEnvironment();
        return !environment.is(point, environment.resolveType(intervals.getPointType()));
    }

    /** An interval whose boundaries the engine refuses for their order. */
    public static Interval reversed(Object low, boolean lowClosed, Object high, boolean highClosed) {
        try {
            Field unsafe = Unsafe.class.getDeclaredField("theUnsafe");
            unsafe.setAccessible(true);
            Interval interval = (Interval) ((Unsafe) unsafe.get(null)).allocateInstance(Interval.class);
            set(interval, "low", low);
            set(interval, "lowClosed", lowClosed);
            set(interval, "high", high);
            set(interval, "highClosed", highClosed);
            set(interval, "pointType", low.getClass());
            return interval;
        } catch (ReflectiveOperationException error) {
            throw new IllegalStateException(error);
        }
    }

    private static void set(Interval interval, String name, Object value) throws ReflectiveOperationException {
        Field field = Interval.class.getDeclaredField(name);
        field.setAccessible(true);
        field.set(interval, value);
    }
}

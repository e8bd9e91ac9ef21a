package ecqm.peers;

import java.lang.reflect.Field;
import java.util.EnumSet;
import java.util.Map;
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
    /** The names of calendar durations below the month are units that can be converted. */
    CALENDAR_UNITS,
    /** The measurement period of the clinical reasoning is known to the millisecond. */
    MILLISECONDS,
    /** An interval of two nulls is an interval; that it is one of date-times is a guess. */
    NULL_INTERVALS;

    private static final Map<String, String> CALENDAR =
            Map.of("week", "wk", "day", "d", "hour", "h", "minute", "min", "second", "s", "millisecond", "ms");
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
        var environment = state.getEnvironment();
        return !environment.resolveType(intervals.getPointType()).isAssignableFrom(interval.getPointType());
    }

    /** The UCUM unit of a calendar duration; other units as they are. */
    public static String unit(String name) {
        if (!CALENDAR_UNITS.isMended()) return name;
        return CALENDAR.getOrDefault(name.endsWith("s") ? name.substring(0, name.length() - 1) : name, name);
    }

    /** An interval that the engine refuses to make. */
    public static Interval interval(
            Class<?> pointType, Object low, boolean lowClosed, Object high, boolean highClosed) {
        try {
            Field unsafe = Unsafe.class.getDeclaredField("theUnsafe");
            unsafe.setAccessible(true);
            Interval interval = (Interval) ((Unsafe) unsafe.get(null)).allocateInstance(Interval.class);
            set(interval, "low", low);
            set(interval, "lowClosed", lowClosed);
            set(interval, "high", high);
            set(interval, "highClosed", highClosed);
            set(interval, "pointType", pointType);
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

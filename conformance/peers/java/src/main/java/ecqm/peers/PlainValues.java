package ecqm.peers;

import java.math.BigDecimal;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.hl7.fhir.instance.model.api.IBase;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.opencds.cqf.cql.engine.runtime.BaseTemporal;
import org.opencds.cqf.cql.engine.runtime.Code;
import org.opencds.cqf.cql.engine.runtime.Concept;
import org.opencds.cqf.cql.engine.runtime.Date;
import org.opencds.cqf.cql.engine.runtime.DateTime;
import org.opencds.cqf.cql.engine.runtime.Interval;
import org.opencds.cqf.cql.engine.runtime.Precision;
import org.opencds.cqf.cql.engine.runtime.Quantity;
import org.opencds.cqf.cql.engine.runtime.Ratio;
import org.opencds.cqf.cql.engine.runtime.Time;
import org.opencds.cqf.cql.engine.runtime.Tuple;
import org.opencds.cqf.cql.engine.runtime.ValueSet;

/** Values of the engine in the form that plain_values.py gives those of ecqm. */
final class PlainValues {
    private static final DateTimeFormatter INSTANT = DateTimeFormatter.ofPattern("'@'uuuu-MM-dd'T'HH:mm:ss.SSS'Z'");

    private PlainValues() {}

    static Object plain(Object value) {
        if (value == null || value instanceof Boolean || value instanceof String) return value;
        if (value instanceof Integer || value instanceof Long) return value.toString();
        if (value instanceof BigDecimal decimal) return number(decimal);
        if (value instanceof IBaseResource resource) return resource.fhirType() + "/" + resource.getIdElement().getIdPart();
        if (value instanceof IBase) return "element";
        if (value instanceof DateTime moment) return moment(moment);
        if (value instanceof Date date) return "@" + fields(date.toString().split("-"), date.getPrecision());
        if (value instanceof Time time) return time.toString().startsWith("T") ? time.toString() : "T" + time;
        if (value instanceof Interval interval) return interval(interval);
        if (value instanceof Quantity quantity) return quantity(quantity);
        if (value instanceof Ratio ratio) return list(List.of(ratio.getNumerator(), ratio.getDenominator()));
        if (value instanceof Code code) return (code.getSystem() == null ? "" : code.getSystem()) + "|" + code.getCode();
        if (value instanceof Concept concept) return Map.of("codes", list(concept.getCodes()));
        if (value instanceof ValueSet valueSet) return "ValueSet " + valueSet.getId();
        if (value instanceof Tuple tuple) {
            Map<String, Object> written = new TreeMap<>();
            tuple.getElements().forEach((name, element) -> written.put(name, plain(element)));
            return written;
        }
        if (value instanceof Iterable<?> iterable) return list(iterable);
        throw new IllegalArgumentException("no plain form for " + value.getClass());
    }

    private static List<Object> list(Iterable<?> values) {
        List<Object> written = new ArrayList<>();
        values.forEach(each -> written.add(plain(each)));
        return written;
    }

    private static Object interval(Interval value) {
        // A number that is not known exactly is null in the end.
        if (value.isUncertain()) return null;
        Map<String, Object> written = new TreeMap<>();
        written.put("low", plain(value.getLow()));
        written.put("high", plain(value.getHigh()));
        written.put("closed", List.of(value.getLowClosed(), value.getHighClosed()));
        return written;
    }

    private static String quantity(Quantity value) {
        return (value.getValue() == null ? "null" : number(value.getValue())) + " " + value.getUnit();
    }

    private static String number(BigDecimal value) {
        return value.signum() == 0 ? "0" : value.stripTrailingZeros().toPlainString();
    }

    private static String moment(DateTime value) {
        if (value.getPrecision().toDateTimeIndex() >= Precision.SECOND.toDateTimeIndex()) {
            return INSTANT.format(value.getDateTime().withOffsetSameInstant(ZoneOffset.UTC));
        }
        return "@" + fields(value.getDateTime().toLocalDateTime().toString().split("[-T:]"), value.getPrecision());
    }

    /** The fields down to a precision, as numbers. */
    private static String fields(String[] fields, Precision precision) {
        List<String> written = new ArrayList<>();
        for (int i = 0; i <= precision.toDateTimeIndex(); i++) written.add(String.valueOf(Integer.parseInt(fields[i])));
        return String.join(".", written);
    }
}

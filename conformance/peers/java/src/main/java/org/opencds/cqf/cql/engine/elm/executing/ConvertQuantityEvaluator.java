package org.opencds.cqf.cql.engine.elm.executing;

import ecqm.peers.Mends;
import java.math.BigDecimal;
import org.fhir.ucum.Decimal;
import org.fhir.ucum.UcumException;
import org.fhir.ucum.UcumService;
import org.opencds.cqf.cql.engine.runtime.Quantity;

/** ELM ConvertQuantity, in place of the engine's (Mends). */
public final class ConvertQuantityEvaluator {
    private ConvertQuantityEvaluator() {}

    public static Object convertQuantity(Object argument, Object unit, UcumService ucum) {
        if (argument == null || unit == null || ucum == null) return null;
        Quantity quantity = (Quantity) argument;
        try {
            Decimal value = new Decimal(quantity.getValue().toString());
            Decimal converted = ucum.convert(value, Mends.unit(quantity.getUnit()), Mends.unit((String) unit));
            return new Quantity().withValue(new BigDecimal(converted.asDecimal())).withUnit((String) unit);
        } catch (UcumException | RuntimeException error) {
            return null;
        }
    }
}

package ecqm.peers;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.model.api.IQueryParameterType;
import com.google.common.collect.Multimap;
import java.time.ZonedDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.hl7.fhir.instance.model.api.IBaseBundle;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.Library;
import org.hl7.fhir.r4.model.Measure;
import org.hl7.fhir.r4.model.Measure.MeasureGroupPopulationComponent;
import org.hl7.fhir.r4.model.MeasureReport;
import org.hl7.fhir.r4.model.MeasureReport.MeasureReportGroupComponent;
import org.hl7.fhir.r4.model.MeasureReport.StratifierGroupComponent;
import org.hl7.fhir.r4.model.OperationOutcome;
import org.hl7.fhir.r4.model.Resource;
import org.opencds.cqf.cql.engine.execution.CqlEngine;
import org.opencds.cqf.cql.engine.execution.Environment;
import org.opencds.cqf.cql.engine.runtime.DateTime;
import org.opencds.cqf.cql.engine.runtime.Interval;
import org.opencds.cqf.cql.engine.runtime.Precision;
import org.opencds.cqf.fhir.cr.measure.MeasureEvaluationOptions;
import org.opencds.cqf.fhir.cr.measure.common.MeasureEvalType;
import org.opencds.cqf.fhir.cr.measure.common.MeasureProcessorUtils;
import org.opencds.cqf.fhir.cr.measure.r4.R4MeasureProcessor;
import org.opencds.cqf.fhir.utility.repository.InMemoryFhirRepository;

/** Individual reports of a measure by the clinical reasoning that is built on the engine (cqf-fhir-cr). */
final class Reports {
    private static final String INITIAL_POPULATION = "initial-population";

    private final Measure measure;
    private final ZonedDateTime start;
    private final ZonedDateTime end;
    private final Library library;

    /** `library` is the name of the measure's primary library. */
    Reports(Measure measure, String library, ZonedDateTime start, ZonedDateTime end) {
        this.measure = measure;
        this.start = start;
        this.end = end;
        this.library = new Library().setName(library).setUrl(measure.getLibrary().get(0).getValue());
    }

    /**
     * The counts and scores of a patient: "group 1/denominator 2" for the second population of the first group,
     * "group 1/observations 6" for the number of observations, "group 1/initial population of stratum 1", and "group
     * 1/score". Throws IllegalStateException if the evaluation of the patient fails.
     */
    Map<String, Object> counts(Environment environment, String patient) {
        R4MeasureProcessor processor = new R4MeasureProcessor(
                new Repository(), MeasureEvaluationOptions.defaultOptions(), new Periods());
        CqlEngine engine = new CqlEngine(environment);
        List<String> subject = List.of("Patient/" + patient);
        var results = processor.evaluateMeasureWithCqlEngine(subject, measure, start, end, null, engine);
        MeasureReport report = processor.evaluateMeasure(
                measure, start, end, "subject", subject, MeasureEvalType.SUBJECT, engine, results);
        for (Resource contained : report.getContained()) {
            // A patient whose evaluation failed is counted as nobody.
            if (contained instanceof OperationOutcome outcome) {
                throw new IllegalStateException(outcome.getIssueFirstRep().getDiagnostics());
            }
        }
        Map<String, Object> counts = new LinkedHashMap<>();
        for (int group = 0; group < measure.getGroup().size(); group++) {
            String prefix = "group " + (group + 1) + "/";
            MeasureReportGroupComponent reported = report.getGroup().get(group);
            List<MeasureGroupPopulationComponent> populations = measure.getGroup().get(group).getPopulation();
            for (int place = 0; place < populations.size(); place++) {
                String code = populations.get(place).getCode().getCodingFirstRep().getCode();
                String name = code.equals("measure-observation") ? "observations" : code;
                counts.put(prefix + name + " " + (place + 1), reported.getPopulation().get(place).getCount());
            }
            for (int place = 0; place < reported.getStratifier().size(); place++) {
                int selected = reported.getStratifier().get(place).getStratum().stream().mapToInt(Reports::selected).sum();
                counts.put(prefix + "initial population of stratum " + (place + 1), selected);
            }
            counts.put(prefix + "score", PlainValues.plain(reported.getMeasureScore().getValue()));
        }
        return counts;
    }

    /** How many of the initial population are in a stratum of those for whom a criterion holds. */
    private static int selected(StratifierGroupComponent stratum) {
        if (stratum.getValue().getText() != null && !stratum.getValue().getText().equals("true")) return 0;
        return stratum.getPopulation().stream()
                .filter(each -> each.getCode().getCodingFirstRep().getCode().equals(INITIAL_POPULATION))
                .mapToInt(each -> each.getCount())
                .sum();
    }

    /** The clinical reasoning cuts the measurement period to seconds. */
    private static final class Periods extends MeasureProcessorUtils {
        @Override
        public void setMeasurementPeriod(Interval period, CqlEngine engine, List<String> measures) {
            if (Mends.MILLISECONDS.isMended()) {
                ((DateTime) period.getLow()).withPrecision(Precision.MILLISECOND);
                ((DateTime) period.getHigh()).withPrecision(Precision.MILLISECOND);
            }
            super.setMeasurementPeriod(period, engine, measures);
        }
    }

    /** Finds the primary library, of which only the name is asked for; data and logic come from the environment. */
    private final class Repository extends InMemoryFhirRepository {
        Repository() {
            super(FhirContext.forR4Cached());
        }

        @Override
        public <B extends IBaseBundle, T extends IBaseResource> B search(
                Class<B> bundle,
                Class<T> type,
                Multimap<String, List<IQueryParameterType>> parameters,
                Map<String, String> headers) {
            Bundle found = new Bundle();
            if (type == Library.class) found.addEntry().setResource(library);
            return bundle.cast(found);
        }
    }
}

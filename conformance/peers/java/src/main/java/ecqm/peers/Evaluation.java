package ecqm.peers;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.parser.IParser;
import ca.uhn.fhir.parser.LenientErrorHandler;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZonedDateTime;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.apache.commons.lang3.tuple.Pair;
import org.cqframework.cql.cql2elm.CqlCompilerOptions;
import org.cqframework.cql.cql2elm.LibraryManager;
import org.cqframework.cql.cql2elm.ModelManager;
import org.cqframework.cql.cql2elm.model.CompiledLibrary;
import org.cqframework.cql.elm.serializing.ElmLibraryReaderFactory;
import org.hl7.elm.r1.ExpressionDef;
import org.hl7.elm.r1.IncludeDef;
import org.hl7.elm.r1.Library;
import org.hl7.elm.r1.VersionedIdentifier;
import org.hl7.cql.model.NamespaceManager;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.Measure;
import org.opencds.cqf.cql.engine.data.CompositeDataProvider;
import org.opencds.cqf.cql.engine.data.DataProvider;
import org.opencds.cqf.cql.engine.execution.CqlEngine;
import org.opencds.cqf.cql.engine.execution.Environment;
import org.opencds.cqf.cql.engine.fhir.model.R4FhirModelResolver;
import org.opencds.cqf.cql.engine.runtime.DateTime;
import org.opencds.cqf.cql.engine.runtime.Interval;

/**
 * Evaluates definitions of ELM by the reference engine.
 *
 * <p>Each line of the standard input names a request, a JSON file: {"libraries": [files of ELM], "definitions": [[key, library, version, name], …],
 * "now": "2026-…Z"}, and for definitions about patients "patients" (a file with one Bundle per line), "period" [start,
 * end], "valueSets" {url: [[system, code], …]} and "profiles" {url: [urls of it and the profiles derived from it]}. With
 * "measure" (a file) and "primary" (the name of its library) the counts of individual reports are told too. "mended" names
 * faults to mend (Mends).
 *
 * <p>Prints a line of JSON per patient, or only one without patients: {key: value, or {"error": message}}; and an empty
 * line at the end of each request.
 */
public final class Evaluation {
    private static final String FHIR = "http://hl7.org/fhir";
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final R4FhirModelResolver MODEL = new R4FhirModelResolver();

    private final LibraryManager libraries = new LibraryManager(new ModelManager(), new CqlCompilerOptions());
    private final JsonNode request;
    private final ZonedDateTime now;
    private final Map<String, Object> parameters = new HashMap<>();

    private Evaluation(JsonNode request) throws IOException {
        this.request = request;
        now = ZonedDateTime.parse(request.get("now").asText());
        Set<Mends> mended = EnumSet.noneOf(Mends.class);
        for (JsonNode name : request.get("mended")) mended.add(Mends.valueOf(name.asText()));
        Mends.choose(mended);
        for (JsonNode file : request.get("libraries")) add(new File(file.asText()));
        if (request.has("period")) parameters.put("Measurement Period", period(request.get("period")));
    }

    public static void main(String[] arguments) throws IOException {
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String file = requests.readLine(); file != null; file = requests.readLine()) {
            new Evaluation(JSON.readTree(new File(file))).run(System.out);
            System.out.println();
        }
    }

    private Interval period(JsonNode bounds) {
        DateTime start = new DateTime(bounds.get(0).asText(), now.getOffset());
        return new Interval(start, true, new DateTime(bounds.get(1).asText(), now.getOffset()), true);
    }

    /** The engine finds definitions by binary search, and libraries under the identifiers of their includes. */
    private void add(File file) throws IOException {
        Library library = ElmLibraryReaderFactory.getReader("application/elm+json").read(file);
        library.getStatements().getDef().sort(Comparator.comparing(ExpressionDef::getName));
        CompiledLibrary compiled = new CompiledLibrary();
        compiled.setLibrary(library);
        compiled.setIdentifier(library.getIdentifier());
        VersionedIdentifier own = library.getIdentifier();
        libraries.getCompiledLibraries().put(identifier(null, own.getId(), own.getVersion()), compiled);
        if (own.getSystem() != null) libraries.getCompiledLibraries().put(own, compiled);
    }

    private static VersionedIdentifier identifier(String system, String id, String version) {
        return new VersionedIdentifier().withSystem(system).withId(id).withVersion(version);
    }

    /** Includes that name a namespace: the same libraries under these identifiers too. */
    private void addAliases() {
        Map<VersionedIdentifier, CompiledLibrary> known = libraries.getCompiledLibraries();
        for (CompiledLibrary each : Set.copyOf(known.values())) {
            if (each.getLibrary().getIncludes() == null) continue;
            for (IncludeDef include : each.getLibrary().getIncludes().getDef()) {
                String system = NamespaceManager.getUriPart(include.getPath());
                String name = NamespaceManager.getNamePart(include.getPath());
                known.putIfAbsent(
                        identifier(system, name, include.getVersion()),
                        known.get(identifier(null, name, include.getVersion())));
            }
        }
    }

    private void run(PrintStream out) throws IOException {
        addAliases();
        if (!request.has("patients")) {
            print(out, answers(new Environment(libraries), null));
            return;
        }
        ValueSets valueSets = new ValueSets(request.get("valueSets"));
        Map<String, Set<String>> derived = new HashMap<>();
        request.get("profiles").fields().forEachRemaining(entry -> {
            Set<String> urls = new HashSet<>();
            entry.getValue().forEach(url -> urls.add(url.asText()));
            derived.put(entry.getKey(), urls);
        });
        IParser parser = FhirContext.forR4Cached().newJsonParser();
        // Codes that FHIR does not have are values like others to CQL.
        parser.setParserErrorHandler(new LenientErrorHandler(false).disableAllErrors());
        Reports reports = request.has("measure") ? reports(parser) : null;
        try (BufferedReader lines = Files.newBufferedReader(Path.of(request.get("patients").asText()))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                PatientRecord patient = new PatientRecord(parser.parseResource(Bundle.class, line), valueSets, derived);
                Map<String, DataProvider> data = Map.of(FHIR, new CompositeDataProvider(MODEL, patient));
                Environment environment = new Environment(libraries, data, valueSets);
                Map<String, Object> answers = answers(environment, patient.patientId());
                if (reports != null) answers.putAll(counts(reports, environment, patient.patientId()));
                print(out, answers);
            }
        }
    }

    /** The libraries are found under their names too: the clinical reasoning does not ask for a version. */
    private Reports reports(IParser parser) throws IOException {
        Map<VersionedIdentifier, CompiledLibrary> known = libraries.getCompiledLibraries();
        String primary = request.get("primary").asText();
        for (CompiledLibrary each : Set.copyOf(known.values())) {
            if (each.getIdentifier().getId().equals(primary)) known.put(identifier(null, primary, null), each);
        }
        JsonNode period = request.get("period");
        return new Reports(
                parser.parseResource(Measure.class, Files.readString(Path.of(request.get("measure").asText()))),
                primary,
                ZonedDateTime.parse(period.get(0).asText()),
                ZonedDateTime.parse(period.get(1).asText()));
    }

    private static Map<String, Object> counts(Reports reports, Environment environment, String patient) {
        try {
            return reports.counts(environment, patient);
        } catch (Exception | StackOverflowError | OutOfMemoryError error) {
            return Map.of("report", Map.of("error", message(error)));
        }
    }

    /** The values of all definitions, those of a library together. */
    private Map<String, Object> answers(Environment environment, String patient) {
        Map<VersionedIdentifier, Map<String, String>> keys = new LinkedHashMap<>();
        for (JsonNode each : request.get("definitions")) {
            VersionedIdentifier library = identifier(null, each.get(1).asText(), each.get(2).textValue());
            keys.computeIfAbsent(library, key -> new LinkedHashMap<>()).put(each.get(3).asText(), each.get(0).asText());
        }
        Map<String, Object> answers = new LinkedHashMap<>();
        Pair<String, Object> context = patient == null ? null : Pair.of("Patient", patient);
        keys.forEach((library, names) -> addAnswers(answers, environment, library, names, context));
        return answers;
    }

    /** Adds the values of definitions of a library: if one of them fails, those of each half. */
    private void addAnswers(
            Map<String, Object> answers,
            Environment environment,
            VersionedIdentifier library,
            Map<String, String> keys,
            Pair<String, Object> context) {
        try {
            answers.putAll(values(environment, library, keys, context));
        } catch (Exception | StackOverflowError | OutOfMemoryError error) {
            if (keys.size() == 1) {
                keys.values().forEach(key -> answers.put(key, Map.of("error", message(error))));
                return;
            }
            Map<String, String> first = new LinkedHashMap<>(), second = new LinkedHashMap<>();
            keys.forEach((name, key) -> (first.size() < keys.size() / 2 ? first : second).put(name, key));
            addAnswers(answers, environment, library, first, context);
            addAnswers(answers, environment, library, second, context);
        }
    }

    /** The values of definitions of a library by their keys. An engine in which one failed would be in an unknown state. */
    private Map<String, Object> values(
            Environment environment, VersionedIdentifier library, Map<String, String> keys, Pair<String, Object> context) {
        var result = new CqlEngine(environment).evaluate(library, keys.keySet(), context, parameters, null, now);
        Map<String, Object> values = new LinkedHashMap<>();
        keys.forEach((name, key) -> values.put(key, PlainValues.plain(result.forExpression(name).value())));
        return values;
    }

    private static String message(Throwable error) {
        Throwable first = error;
        while (first.getCause() != null && first.getCause() != first) first = first.getCause();
        return first.getClass().getSimpleName() + ": " + String.valueOf(first.getMessage()).lines().findFirst().orElse("");
    }

    private static void print(PrintStream out, Map<String, Object> answers) throws IOException {
        out.write(JSON.writeValueAsString(answers).getBytes(StandardCharsets.UTF_8));
        out.write('\n');
        out.flush();
    }
}

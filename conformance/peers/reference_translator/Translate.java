import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.cqframework.cql.cql2elm.CqlCompilerException;
import org.cqframework.cql.cql2elm.CqlCompilerException.ErrorSeverity;
import org.cqframework.cql.cql2elm.CqlCompilerOptions;
import org.cqframework.cql.cql2elm.CqlTranslator;
import org.cqframework.cql.cql2elm.LibraryBuilder.SignatureLevel;
import org.cqframework.cql.cql2elm.LibraryManager;
import org.cqframework.cql.cql2elm.LibrarySourceProvider;
import org.cqframework.cql.cql2elm.ModelManager;
import org.hl7.elm.r1.VersionedIdentifier;

/**
 * Compiles CQL with the reference translator.
 *
 * <pre>java -cp JARS Translate.java INCLUDES JOB...</pre>
 *
 * INCLUDES is a folder with the libraries that sources include. A JOB is SOURCES=OUTPUT=LEVEL=OPTION,OPTION...: each
 * line of SOURCES is the JSON text of one library, and gives a line of OUTPUT with its `errors` (line, character and
 * message of each) and, if the translator made any, its `elm`.
 */
public class Translate {
    private static final Pattern HEADER =
            Pattern.compile("^\\s*library\\s+(\"[^\"]+\"|[\\w.]+)(?:\\s+version\\s+'([^']*)')?", Pattern.MULTILINE);

    private static final Pattern MODEL = Pattern.compile("^using .*$", Pattern.MULTILINE);

    /** A manager holds one version of each model, so sources share one only if they use the same. */
    private static final Map<String, ModelManager> MODELS = new HashMap<>();

    public static void main(String[] arguments) throws IOException {
        Map<String, String> includes = includes(Path.of(arguments[0]));
        for (int at = 1; at < arguments.length; at++) {
            String[] job = arguments[at].split("=", -1);
            translate(includes, Path.of(job[0]), Path.of(job[1]), options(job[2], job[3]));
        }
    }

    private static CqlCompilerOptions options(String level, String names) {
        List<CqlCompilerOptions.Options> chosen = new ArrayList<>();
        for (String name : names.split(",")) {
            if (!name.isEmpty()) {
                chosen.add(CqlCompilerOptions.Options.valueOf(name));
            }
        }
        return new CqlCompilerOptions(
                ErrorSeverity.Info, SignatureLevel.valueOf(level), chosen.toArray(new CqlCompilerOptions.Options[0]));
    }

    /** The text of each library of a folder, by "name|version". */
    private static Map<String, String> includes(Path folder) throws IOException {
        Map<String, String> found = new HashMap<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path path : files.filter(file -> file.toString().endsWith(".cql")).toList()) {
                String text = Files.readString(path);
                Matcher header = HEADER.matcher(text);
                if (header.find()) {
                    found.put(header.group(1).replace("\"", "") + "|" + header.group(2), text);
                }
            }
        }
        return found;
    }

    private static void translate(
            Map<String, String> includes, Path sources, Path output, CqlCompilerOptions options) throws IOException {
        Map<String, LibraryManager> managers = new HashMap<>();
        ObjectMapper json = new ObjectMapper();
        try (BufferedReader lines = Files.newBufferedReader(sources);
                BufferedWriter results = Files.newBufferedWriter(output)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String source = json.readValue(line, String.class);
                String models = MODEL.matcher(source).results().map(MatchResult::group).sorted().toList().toString();
                LibraryManager libraries = managers.computeIfAbsent(models, key -> manager(key, includes, options));
                results.write(json.writeValueAsString(translate(source, libraries, json)));
                results.newLine();
            }
        }
    }

    private static LibraryManager manager(String models, Map<String, String> includes, CqlCompilerOptions options) {
        ModelManager loaded = MODELS.computeIfAbsent(models, key -> new ModelManager());
        LibraryManager libraries = new LibraryManager(loaded, options);
        libraries.getLibrarySourceLoader().registerProvider(new LibrarySourceProvider() {
            @Override
            public InputStream getLibrarySource(VersionedIdentifier library) {
                String text = includes.get(library.getId() + "|" + library.getVersion());
                return text == null ? null : new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
            }
        });
        return libraries;
    }

    private static Map<String, Object> translate(String source, LibraryManager libraries, ObjectMapper json)
            throws IOException {
        try {
            CqlTranslator translator = CqlTranslator.fromText(source, libraries);
            return Map.of(
                    "errors", translator.getErrors().stream().map(Translate::described).toList(),
                    "elm", json.readTree(translator.toJson()));
        } catch (RuntimeException | StackOverflowError stopped) {
            return Map.of("errors", List.of(Map.of("line", 0, "character", 0, "message", "stopped: " + stopped)));
        }
    }

    private static Map<String, Object> described(CqlCompilerException error) {
        boolean located = error.getLocator() != null;
        return Map.of(
                "line", located ? error.getLocator().getStartLine() : 0,
                "character", located ? error.getLocator().getStartChar() : 0,
                "message", String.valueOf(error.getMessage()));
    }
}

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipInputStream;

/**
 * {@code java ReadZip.java ZIP}: reads every entry as Android's plugins do, front to back without the central
 * directory. Prints {@code {"entries", "bytes"}} as JSON; exit code 1 with the reason.
 */
public final class ReadZip {
    public static void main(String[] args) {
        long entries = 0;
        long bytes = 0;
        try (InputStream file = new BufferedInputStream(Files.newInputStream(Path.of(args[0])));
                ZipInputStream zip = new ZipInputStream(file)) {
            byte[] buffer = new byte[1 << 16];
            while (zip.getNextEntry() != null) {
                entries++;
                for (int read = zip.read(buffer); read >= 0; read = zip.read(buffer)) {
                    bytes += read;
                }
            }
        } catch (IOException | RuntimeException error) {
            System.err.println(error);
            System.exit(1);
        }
        if (entries == 0) {
            // What is no zip at all looks like an empty one to ZipInputStream.
            System.err.println("no entry found");
            System.exit(1);
        }
        System.out.println("{\"entries\": " + entries + ", \"bytes\": " + bytes + "}");
    }

    private ReadZip() {}
}

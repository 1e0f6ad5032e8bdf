import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/**
 * {@code java ReadZip.java ZIP}: reads every entry as Android's plugins do, front to back without the central
 * directory. Prints {@code {"entries", "bytes", "digest"}} as JSON; exit code 1 with the reason. The digest is the
 * SHA-256 over the sorted lines "SHA-256 of the content, space, name".
 */
public final class ReadZip {
    public static void main(String[] args) throws GeneralSecurityException {
        List<byte[]> lines = new ArrayList<>();
        long bytes = 0;
        MessageDigest hash = MessageDigest.getInstance("SHA-256");
        HexFormat hex = HexFormat.of();
        try (InputStream file = new BufferedInputStream(Files.newInputStream(Path.of(args[0])));
                ZipInputStream zip = new ZipInputStream(file)) {
            byte[] buffer = new byte[1 << 16];
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                for (int read = zip.read(buffer); read >= 0; read = zip.read(buffer)) {
                    hash.update(buffer, 0, read);
                    bytes += read;
                }
                String line = hex.formatHex(hash.digest()) + " " + entry.getName() + "\n";
                lines.add(line.getBytes(StandardCharsets.UTF_8));
            }
        } catch (IOException | RuntimeException error) {
            System.err.println(error);
            System.exit(1);
        }
        if (lines.isEmpty()) {
            // What is no zip at all looks like an empty one to ZipInputStream.
            System.err.println("no entry found");
            System.exit(1);
        }
        lines.sort(Arrays::compareUnsigned);
        lines.forEach(hash::update);
        String digest = hex.formatHex(hash.digest());
        System.out.println(
                "{\"entries\": " + lines.size() + ", \"bytes\": " + bytes + ", \"digest\": \"" + digest + "\"}");
    }

    private ReadZip() {}
}

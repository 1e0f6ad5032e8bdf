package ee.forgr.capacitor_updater;

/** Says on standard error what the plugin would log. */
public class Logger {

    public void debug(String text) {
        System.err.println("debug " + text);
    }

    public void info(String text) {
        System.err.println("info " + text);
    }

    public void error(String text) {
        System.err.println("error " + text);
    }
}
